/** Requests to join that wait for this device's answer (PROTOCOL §13.4). */
import type { Bytes } from '$crypto/brand';
import { equal, hex, toText } from '$crypto/bytes';
import type { MailedRequest } from '$crypto/frames';
import { openRequest } from '$crypto/invite-secret';
import { joinNumber } from '$crypto/passphrase';
import { verifyNewRow } from '$crypto/roster/entry';
import * as v from 'valibot';
import type { GroupRun, OpenedRequest } from './group-run';

const asked = v.object({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(200)), role: v.picklist(['clinician', 'patient', 'family']) });

/** Opens what the mailbox holds; `all` when nothing else waits. Requests that do not open or do not prove their keys are passed over. */
export async function takeRequests(run: GroupRun, items: readonly MailedRequest[], all: boolean): Promise<void> {
  const known = run.requests;
  let next: OpenedRequest[] = all ? [] : [...known];
  for (const m of items) {
    // taken back
    if (m.body.length === 0) {
      next = next.filter((k) => !equal(k.request, m.request));
      continue;
    }
    const before = known.find((k) => equal(k.request, m.request) && equal(k.invite, m.invite));
    if (before !== undefined) {
      if (all) next.push(before);
      continue;
    }
    const opened = await open(run, m);
    if (opened !== null) next.push(opened);
  }
  run.requests = next;
  run.around.changed(run.ref, 'group', null);
}

async function open(run: GroupRun, m: MailedRequest): Promise<OpenedRequest | null> {
  if (run.state.invites.get(hex(m.invite))?.state !== 'pending') return null;
  const r = openRequest(run.state.group, m.invite, { logPk: run.keys.logPk, pair: run.keys.kem }, m.body);
  if (!r.ok || !verifyNewRow(run.state.group, m.invite, r.value.row)) return null;
  if (run.state.rows.has(hex(r.value.row.logPk)) || run.state.members.has(hex(r.value.row.member))) return null;
  const person = parse(r.value.display);
  if (person === null) return null;
  const number = await joinNumber(run.state.group, m.invite, r.value.row.logPk, r.value.row.kem);
  return { invite: m.invite, request: m.request, number, at: m.time, row: r.value.row, ...person, answerKey: r.value.answerKey };
}

function parse(b: Bytes): v.InferOutput<typeof asked> | null {
  try {
    const parsed = v.safeParse(asked, JSON.parse(toText(b) ?? ''));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
