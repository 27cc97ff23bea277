/** A group's session with the relay: prove the key, catch up, then live. Each step runs inside the group's turn. */
import type { Bytes, Hex, InvitePk } from '$crypto/brand';
import { hex, unhex } from '$crypto/bytes';
import type { FromRelay } from '$crypto/frames';
import type { Receipt } from '$crypto/receipt';
import { currentEpoch, mayInvite, owedAt } from '$crypto/roster/state';
import { resendPending, rotate } from './change';
import { fetchFeed, fetchLockboxes, fetchRoster } from './fetch';
import { giveBack, giveEnd, giveEntries, isNewLife, settleLife } from './give-back';
import type { GroupRun } from './group-run';
import { type OwnInviteRow, put } from './group-rows';
import { healFeed, isSuspicious, tellGaps } from './heal';
import { lookForLost } from './lost';
import { retryHeld, takeEntries, takeEnvelopes, type Took } from './receive';
import { askToBegin } from './begin-group';
import { COMING } from './posts';
import { proveKey } from './prove';
import { hearRequests } from './requests';
import { isDestruction } from './destroyed';
import { noteSeenAhead } from './seen-marks';
import { settleSplit, tellOthers } from './split';
import { acked, appendRefused, pump } from './send';
import { askForKeys, lookAtWantsSoon, takeKeys } from './wants';

const RETRY = 5_000;
const WHILE_RESTORING = 60_000;
const AFTER_GONE = 30_000;
const WHILE_RATE = 60_000;
const UNTIL_THEN = 3_600_000;
/** While a restored relay waits for devices that may have more, nothing is called lost. */
const WAITING_ELSEWHERE = 600_000;

/** After the link came up: opens the session and brings the group up to date. */
export async function beginSession(run: GroupRun): Promise<void> {
  endSession(run);
  const { link } = run.around;
  const hello = link.hello;
  if (hello === null || run.alarm === 'fork') return;
  if (run.row.ended !== null) return giveEnd(run);
  const isOther = run.row.relayPk !== null && !link.speaksFor(run.row.relayPk);
  if (isOther || hello.incarnation < Math.max(run.life, run.row.incarnation)) {
    // whoever answers there is not the group's relay, or one as it was before it was restored: nothing is said to it, and nothing it says counts
    return halt(run, isOther ? 'stranger' : 'rollback');
  }
  run.session = 'opening';
  run.readAgain = false;
  run.loose = null;
  const f = await proveKey(run.around, 'log', run.row.id, { pk: run.keys.logPk, sk: run.keys.logSk });
  if (f === null) return endSession(run);
  if (f.is === 'refused') {
    if (f.why === 'unknown-group' && run.row.unsent !== null) {
      if (await create(run)) return beginSession(run);
    } else if (f.why === 'unknown-group' || f.why === 'unknown-log') {
      // restored: it gets back what it lost. Otherwise an honest one learns by this that it is older than it says
      const isRestored = isNewLife(run);
      const taken = run.gaveAt !== hello && (await giveEntries(run, 0));
      run.gaveAt = hello;
      if (taken && isRestored) return beginSession(run);
      if (run.isSplit && isRestored) return stop(run);
      halt(run, 'rollback');
    } else if (f.why === 'bad-proof') link.again();
    else retrySoon(run);
    return endSession(run);
  }
  if (f.is === 'destroyed') return finishDestroyed(run, f.receipt);
  if (f.is === 'gone') return finishGone(run, f.seq);
  if (f.is !== 'welcome') return endSession(run);
  run.bearer = f.bearer;
  run.top = f.feedSeq;
  run.session = 'live';
  const isBehind = !isNewLife(run) && (f.rosterSeq < run.entries.length || f.feedSeq < run.cursor || f.head.n < run.ownHead.n);
  if (isBehind || run.isHalted) halt(run, isBehind ? 'rollback' : null);
  // an honest relay that lost entries without a word learns it by its own receipts, and comes back restored
  if (isBehind && f.rosterSeq < run.entries.length) await giveEntries(run, f.rosterSeq);
  await catchUp(run);
}

/** Nothing goes out to whoever answers there, until it is the group's relay again with all that was seen (P19). */
function halt(run: GroupRun, alarm: 'rollback' | 'stranger' | null): void {
  run.alarm = alarm;
  run.changed();
}

export function endSession(run: GroupRun): void {
  run.session = 'none';
  run.synced = false;
  run.bearer = null;
  run.inFlight = null;
  run.want = null;
  run.keysAt = 0;
  run.requests = [];
  if (run.ahead !== null) run.around.changed(run.ref, 'feed', [COMING]);
}

/** Roster, lockboxes, envelopes, mailbox, in this order; then what waits goes out. */
export async function catchUp(run: GroupRun): Promise<void> {
  if (run.session !== 'live') return;
  run.synced = false;
  const given = !isNewLife(run) || (await giveBack(run));
  if (!given || !(await fetchRoster(run, true)) || !(await fetchLockboxes(run, true)) || !(await fetchFeed(run)) || !(await healFeed(run))) {
    if (run.alarm === 'fork' || run.isSplit) return stop(run);
    return retrySoon(run);
  }
  if (run.life !== run.around.link.hello?.incarnation) await settleLife(run);
  // an app that was updated since may read what the one before could not
  if (!run.isOutdated) await retryHeld(run, true);
  run.synced = true;
  if (run.row.coming === true) {
    delete run.row.coming;
    await run.commitOrCarryOn([put('group', run.ref, run.row)]);
  }
  if (run.seenAhead.size > 0) await noteSeenAhead(run);
  const waits = !run.isHalted && (await lookForLost(run));
  readAgainLater(run);
  // an older copy of the relay takes nothing from us: what it took would stand against what the newer one has
  if (run.isHalted) return run.around.changed(run.ref, 'group', null);
  if (waits && run.readingAgain === null) catchUpLater(run, WAITING_ELSEWHERE);
  await resendPending(run);
  await renewKeys(run);
  for (const [invite, card] of run.cards) if (run.state.invites.get(invite as Hex<InvitePk>)?.state === 'pending') await putCard(run, unhex(invite) as InvitePk, card);
  await fetchMailbox(run);
  run.around.changed(run.ref, 'group', null);
  await pump(run);
  await askForKeys(run);
  lookAtWantsSoon(run);
}

/** What stays odd is looked after again in time, though nothing else comes. */
function readAgainLater(run: GroupRun): void {
  run.readingAgain?.();
  run.readingAgain = null;
  if (run.odd.size > 0) catchUpLater(run, run.readAgainWait + 1);
}

function catchUpLater(run: GroupRun, wait: number): void {
  run.readingAgain?.();
  run.readingAgain = run.around.later(wait, () => {
    run.readingAgain = null;
    run.around.turn(run, () => catchUp(run));
  });
}

/** Pays a rotation that is owed, and makes keys anew when the lockbox that came for this device is junk (R10, R14). */
async function renewKeys(run: GroupRun): Promise<void> {
  if (run.isOutdated) return;
  const isDue = (): boolean => owedAt(run.state, run.state.seq) || run.junk.has(currentEpoch(run.state).seq);
  if (!isDue()) return;
  const fault = await rotate(run, isDue);
  if (isDue()) retrySoon(run, fault === 'restoring' ? WHILE_RESTORING : RETRY);
}

async function create(run: GroupRun): Promise<boolean> {
  const { unsent } = run.row;
  const f = await askToBegin(run);
  if (unsent === null || f === null) return false;
  if (f.is !== 'entered') {
    // another permit, or another connection, may change the answer; time does not
    if (run.needsPermit === null) retrySoon(run, f.is === 'refused' && f.why === 'rate' ? WHILE_RATE : RETRY);
    run.changed();
    return false;
  }
  if ((await takeEntries(run, [{ entry: unsent.genesis, receipt: f.receipt }])) === 'all') return true;
  retrySoon(run);
  return false;
}

export async function fetchMailbox(run: GroupRun): Promise<void> {
  if (!mayInvite(run.state, run.me)) return;
  const f = await run.around.link.ask({ is: 'mailbox', group: run.row.id });
  if (f?.is === 'requests') hearRequests(run, f.items, true);
}

/** Puts an invite's card on the relay; what fails here is tried again at the next catching up. */
export async function putCard(run: GroupRun, invite: InvitePk, card: Bytes): Promise<boolean> {
  const f = await run.around.link.ask({ is: 'put-card', group: run.row.id, invite, card });
  if (f?.is !== 'done') return false;
  run.cards.delete(hex(invite));
  const link = run.ownLinks.get(hex(invite));
  if (link !== undefined) await run.commit([put('meta', run.inviteKey(invite), { invite: hex(invite), link, card: null, kept: card } satisfies OwnInviteRow)]);
  return true;
}

/** Our row ended: the receipted entries up to its end and own lockboxes, nothing more. An end without receipt is no end. */
async function finishGone(run: GroupRun, seq: number): Promise<void> {
  run.session = 'gone';
  while (run.entries.length < seq) {
    const before = run.entries.length;
    const f = await run.around.link.ask({ is: 'roster', group: run.row.id, after: before });
    if (f?.is !== 'entries' || (await takeEntries(run, f.items)) !== 'all' || run.entries.length === before) break;
  }
  // an end where our history goes on: the relay's own entry for that place shows whether there are two
  if (run.row.ended === null && seq > 0 && run.entries.length >= seq) {
    const f = await run.around.link.ask({ is: 'roster', group: run.row.id, after: seq - 1 });
    if (f?.is === 'entries') await takeEntries(run, f.items);
  }
  await fetchLockboxes(run);
  endSession(run);
  // not proven: no network, as far as we are concerned, until a fresh connection says otherwise
  if (run.row.ended === null) run.around.later(AFTER_GONE, () => run.row.ended === null && run.session === 'none' && run.around.link.again());
  run.changed();
}

/** The relay holds nothing of the group any more, and signed so. What is here stays until the person takes it off. */
async function finishDestroyed(run: GroupRun, receipt: Receipt): Promise<void> {
  endSession(run);
  const is = isDestruction(run, receipt);
  // as without a network, until the time that was named has come here
  if (is === 'early') run.around.later(UNTIL_THEN, () => run.row.ended === null && run.session === 'none' && run.around.turn(run, () => beginSession(run)));
  else if (is) {
    run.row.ended = 'destroyed';
    run.row.destroyed = receipt;
    run.alarm = null;
    run.writer = null;
    await run.commit([put('group', run.ref, run.row)]);
    run.changed();
  } else halt(run, 'rollback');
}

/** A frame for this group that answers no ask. */
export async function takeFrame(run: GroupRun, f: FromRelay): Promise<void> {
  if (run.session !== 'live') return;
  let took: Took = 'all';
  switch (f.is) {
    case 'entries':
      took = await takeEntries(run, f.items);
      if (took === 'all') {
        await fetchLockboxes(run);
        await renewKeys(run);
        await askForKeys(run);
        if (isSuspicious(run) && !run.readAgain) took = 'gap';
      }
      break;
    case 'page':
      run.top = Math.max(run.top, f.items.at(-1)?.seq ?? 0);
      took = await takeEnvelopes(run, f.items);
      if (took === 'all' && isSuspicious(run) && !run.readAgain) took = 'gap';
      break;
    case 'acks':
      took = await acked(run, f.items);
      // an ack out of its place is looked into at once, and the next one of the same bytes in a while: who lies sets no pace
      if (took === 'gap' && run.outOfPlace === run.sealed) return retrySoon(run);
      if (took === 'gap') run.outOfPlace = run.sealed;
      break;
    case 'requests':
      hearRequests(run, f.items, false);
      break;
    case 'wants':
      lookAtWantsSoon(run);
      break;
    case 'keys':
      await takeKeys(run, f.items);
      await askForKeys(run);
      break;
    case 'gone':
      return finishGone(run, f.seq);
    case 'destroyed':
      return finishDestroyed(run, f.receipt);
    case 'refused':
      if ((await appendRefused(run, f)) === 'wait') return retrySoon(run);
      took = 'gap';
      break;
    default:
      return;
  }
  if (took === 'alarm' || run.isSplit) return stop(run);
  if (took === 'gap') return catchUp(run);
  if (run.synced) tellGaps(run);
  await pump(run);
}

/** The relay's roster is not ours: stops if that is proven, and shows the others what proves it. */
async function stop(run: GroupRun): Promise<void> {
  const last = run.entries.at(-1);
  const stops = await settleSplit(run);
  if (run.alarm === 'fork' && last !== undefined) await tellOthers(run, last);
  endSession(run);
  run.changed();
  if (!stops) retrySoon(run);
}

function retrySoon(run: GroupRun, wait = RETRY): void {
  if (run.retrying || run.around.link.state !== 'online') return;
  run.retrying = true;
  run.around.later(wait, () => {
    run.retrying = false;
    run.around.turn(run, () => (run.session === 'live' ? catchUp(run) : run.session === 'none' ? beginSession(run) : Promise.resolve()));
  });
}
