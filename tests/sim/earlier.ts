/**
 * A device as an earlier version of the app left it: rows without what came later. The app of now must open it and lose nothing. On the
 * wire there is one version so far, so that no earlier client can be met there.
 */
import { fromText, toText } from '../../crypto/bytes';
import { decodeState, encodeState, type RosterState } from '../../crypto/roster/state';
import type { FeedIndex } from '../../src/lib/care/feed';
import { type HeadsRow, keyOf, put, putBytes, read } from '../../src/lib/core/group-rows';
import type { Seat } from '../support/circle';
import type { Time } from '../support/world';

/** What ended the state in version 1, as bytes of version 3: nothing of it was known. */
const LATER = [0, 0, 0, 0, 0, 0, 1, 0];

const isPlain = (s: RosterState): boolean =>
  s.roles.size === 0 && s.sponsors.size === 0 && s.claim === null && s.destroy === null && s.relayPk === null && s.version === 1 && s.restated.size === 0 && ![...s.invites.values()].some((i) => i.open);

/** Inside the group's turn, so that nothing else is written meanwhile; that may have to wait for the network. */
export async function asEarlierVersion(seat: Seat, time: Time): Promise<void> {
  let isDone = false;
  const done = rewrite(seat).finally(() => (isDone = true));
  while (!isDone) await time.pass(100);
  await done;
}

function rewrite({ run, device }: Seat): Promise<void> {
  return run.turns.take(async () => {
    // these are not the device's own writes
    const { fate } = device;
    device.fate = () => 'done';
    await run.flush();
    const { store } = run.around;
    // what is on the disk: what there was no room for is in memory alone
    const stored = await store.get('roster', keyOf.state(run.ref));
    const state = stored === null ? null : decodeState(stored);
    if (state?.ok === true && isPlain(state.value)) {
      const now = encodeState(state.value);
      const before = now.slice(0, now.length - LATER.length);
      before[0] = 1;
      await store.commit([putBytes('roster', keyOf.state(run.ref), before)]);
    }
    const heads = await read<HeadsRow>(store, 'inbox', keyOf.heads(run.ref));
    if (heads !== null) {
      const { cursor, heads: places, held, lockboxes, suspect, life } = heads;
      await store.commit([put('inbox', keyOf.heads(run.ref), { cursor, heads: places, held, lockboxes, suspect, ...(life === undefined ? {} : { life }) } satisfies HeadsRow)]);
    }
    const index = await store.cacheGet('index', keyOf.index(run.ref));
    if (index !== null) {
      const { tops: _t, ahead: _a, aheadEdits: _e, changed: _c, ...rest } = JSON.parse(toText(index) as string) as FeedIndex;
      rest.amendments = Object.fromEntries(Object.entries(rest.amendments).map(([id, { text, edited, retracted }]) => [id, { text, edited, retracted }]));
      await store.cacheCommit([{ table: 'index', key: keyOf.index(run.ref), value: fromText(JSON.stringify(rest)) }]);
    }
    device.fate = fate;
    device.kill();
  });
}
