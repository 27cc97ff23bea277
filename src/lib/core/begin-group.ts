/** Putting a group that was made here on the relay (PROTOCOL §6.1, §11.8). Inside the group's turn. */
import type { FromRelay } from '$crypto/frames';
import { PERMIT_REFUSALS } from '$crypto/permit';
import type { GroupRun } from './group-run';

/** What the relay says to it: without a permit first, then with the one that is here, if it asks. Notes what stands in the way. */
export async function askToBegin(run: GroupRun): Promise<FromRelay | null> {
  const { unsent, id } = run.row;
  if (unsent === null) return null;
  const { link, permit } = run.around;
  let f = await link.ask({ is: 'create', group: id, genesis: unsent.genesis, boxes: unsent.boxes });
  const isAsked = refusalOf(f) !== null;
  if (isAsked || f?.is === 'entered') await permit.asked(isAsked);
  const shown = isAsked ? permit.now : null;
  if (shown !== null) f = await link.ask({ is: 'create-by-permit', group: id, permit: shown, genesis: unsent.genesis, boxes: unsent.boxes });
  run.needsPermit = refusalOf(f);
  if (shown !== null && run.needsPermit !== null) await permit.drop(shown);
  return f;
}

function refusalOf(f: FromRelay | null): GroupRun['needsPermit'] {
  if (f?.is !== 'refused' || f.why !== 'permit') return null;
  return PERMIT_REFUSALS.find((word) => word === f.detail.words) ?? 'none';
}
