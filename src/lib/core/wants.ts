/** Keys that this device lacks, asked of the others, and what others ask of this one (PROTOCOL §10.1). Called inside the group's turn. */
import type { Bytes } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { isContentKey, isRosterKey } from '$crypto/epoch';
import type { FromRelay } from '$crypto/frames';
import { KEYS_IN_ANSWER, type KeyringItem } from '$crypto/lockbox';
import { type Member, isLive, rowOf } from '$crypto/roster/state';
import { covers, decodeWant, signWant, type Span, verifyWant, type Want, WANT_SPANS, wantHash } from '$crypto/want';
import { openKeys, sealKeys } from '$crypto/want-answer';
import type { GroupRun } from './group-run';
import { epochPlace, keysCame } from './receive';

/** Devices answer one after the other, so that one answer usually does: at most so long, and each in a group a little later. */
const ANSWER_WITHIN = 6_000;
const ANSWER_EACH = 100;
/** A want that stands although it was answered is looked at again after this. */
const LOOK_AGAIN = 20_000;
/** How long a key may be on its way before the person is told that it is waited for: somebody who is online gives it sooner. */
const LATE_AFTER = 10_000;
const EMPTY = new Uint8Array(0) as Bytes;

/** Epochs whose roster key is not here, or whose content key within one's own horizon. */
function lacking(run: GroupRun): number[] {
  const horizon = run.state.members.get(run.me)?.horizon ?? Infinity;
  return run.state.epochs.map((e) => e.seq).filter((seq) => {
    const k = run.keyring.get(seq);
    return k === undefined || (k.content === null && seq >= horizon);
  });
}

/** Neighbouring epochs in one span; the newest that one want holds. */
function spansOf(run: GroupRun, epochs: readonly number[]): Span[] {
  const wanted = new Set(epochs);
  const spans: { first: number; last: number }[] = [];
  let isOpen = false;
  for (const { seq } of run.state.epochs) {
    const last = spans.at(-1);
    if (!wanted.has(seq)) isOpen = false;
    else if (isOpen && last !== undefined) last.last = seq;
    else {
      spans.push({ first: seq, last: seq });
      isOpen = true;
    }
  }
  return spans.slice(-WANT_SPANS);
}

/** Tells the relay what is lacking, or that nothing is any more, and takes the answers that are there. */
export async function askForKeys(run: GroupRun): Promise<void> {
  noteLateKeys(run);
  if (run.session !== 'live' || run.row.ended !== null || run.ownRow?.end !== null) return;
  const { link } = run.around;
  for (;;) {
    const spans = spansOf(run, lacking(run));
    const want = spans.length === 0 ? EMPTY : signWant(run.row.id, { logPk: run.keys.logPk, spans }, run.keys.logSk);
    if (spans.length === 0 && run.want === null) return;
    if (run.want === null || !equal(run.want, want)) {
      const f = await link.ask({ is: 'want', group: run.row.id, want });
      if (f?.is !== 'done') return;
      run.want = spans.length === 0 ? null : want;
      run.keysAt = 0;
    }
    if (run.want === null) return;
    const f = await link.ask({ is: 'get-keys', group: run.row.id, after: run.keysAt });
    if (f?.is !== 'keys' || f.items.length === 0) return;
    await takeKeys(run, f.items);
  }
}

/** Begins to wait for keys that are lacking, or ends it. */
export function noteLateKeys(run: GroupRun): void {
  if (lacking(run).length === 0) {
    run.lateKey?.();
    Object.assign(run, { lateKey: null, isKeyLate: false });
  } else if (!run.isKeyLate) run.lateKey ??= run.around.later(LATE_AFTER, () => {
    Object.assign(run, { lateKey: null, isKeyLate: lacking(run).length > 0 });
    run.around.changed(run.ref, 'group', null);
    run.around.changed(run.ref, 'feed', null);
  });
}

/** Opens answers; a key counts only when it matches its commitment, whoever sent it. */
export async function takeKeys(run: GroupRun, items: Extract<FromRelay, { is: 'keys' }>['items']): Promise<void> {
  const fresh: number[] = [];
  for (const { at, keys } of items) {
    run.keysAt = Math.max(run.keysAt, at);
    if (run.want === null) continue;
    const opened = openKeys(run.row.id, wantHash(run.want), { logPk: run.keys.logPk, kem: run.keys.kem }, keys);
    for (const k of opened.ok ? opened.value : []) if (takeKey(run, k)) fresh.push(k.epoch);
  }
  if (fresh.length > 0) await keysCame(run);
}

function takeKey(run: GroupRun, k: KeyringItem): boolean {
  const place = epochPlace(run, k.epoch);
  const epoch = run.state.epochs.find((e) => e.seq === k.epoch);
  if (place === null || epoch === undefined || !isRosterKey(place, k.roster, epoch.rosterCommit)) return false;
  if (k.content !== null && !isContentKey(place, k.content, epoch.contentCommit)) return false;
  const before = run.keyring.get(k.epoch);
  if (before !== undefined && (before.content !== null || k.content === null)) return false;
  run.keyring.set(k.epoch, k);
  return true;
}

// ------------------------------------------------------------------------------------------------------ answers

/** Looks in a moment at what others want; in which order devices look is left to chance. */
export function lookAtWantsSoon(run: GroupRun, wait?: number): void {
  if (run.looking || run.session !== 'live') return;
  run.looking = true;
  const most = Math.min(ANSWER_WITHIN, run.state.rows.size * ANSWER_EACH);
  run.around.later(wait ?? Math.floor(((run.around.random(1)[0] as number) / 256) * most), () => {
    run.looking = false;
    run.around.turn(run, () => lookAtWants(run));
  });
}

async function lookAtWants(run: GroupRun): Promise<void> {
  if (run.session !== 'live' || !run.synced || run.row.ended !== null) return;
  const f = await run.around.link.ask({ is: 'get-wants', group: run.row.id });
  if (f?.is !== 'wants') return;
  const standing = new Set<string>();
  let isAgain = false;
  for (const { want, answers } of f.items) {
    const key = hex(wantHash(want));
    standing.add(key);
    const d = decodeWant(want);
    if (d.ok && equal(d.value.logPk, run.keys.logPk)) {
      // our own of another session, which has had its answer or asks for other keys now
      if (run.want === null || !equal(run.want, want)) {
        run.want = want;
        await askForKeys(run);
      }
      continue;
    }
    if (run.answered.get(key) === 'given') continue;
    // somebody was quicker: only if that did not do
    if (answers > 0 && run.answered.get(key) !== 'seen') {
      run.answered.set(key, 'seen');
      isAgain = true;
    } else if (await answer(run, want)) run.answered.set(key, 'given');
  }
  for (const key of [...run.answered.keys()]) if (!standing.has(key)) run.answered.delete(key);
  if (isAgain) lookAtWantsSoon(run, LOOK_AGAIN);
}

/** Whether it was answered, or will never be by this device. */
async function answer(run: GroupRun, want: Bytes): Promise<boolean> {
  const d = decodeWant(want);
  if (!d.ok || equal(d.value.logPk, run.keys.logPk) || !verifyWant(run.row.id, d.value)) return true;
  const row = rowOf(run.state, d.value.logPk);
  const member = row === null ? undefined : run.state.members.get(hex(row.member));
  // somebody who is here sooner than we know of
  if (row === null || member === undefined) return false;
  const given = isLive(row) ? keysFor(run, d.value, member) : [];
  if (given.length === 0) return true;
  const keys = sealKeys(run.row.id, wantHash(want), row, given, run.around.random);
  const f = await run.around.link.ask({ is: 'put-keys', group: run.row.id, to: row.logPk, want: wantHash(want), keys });
  return f?.is === 'done' || (f?.is === 'refused' && f.why === 'not-found');
}

/** What a member may have of a want: all roster keys, content keys from its horizon on, whatever it asked for. The newest first, as far as they fit. */
export function keysFor(run: Pick<GroupRun, 'keyring'>, want: Want, member: Pick<Member, 'horizon'>): KeyringItem[] {
  return [...run.keyring.values()]
    .filter((k) => covers(want, k.epoch))
    .sort((a, b) => b.epoch - a.epoch)
    .slice(0, KEYS_IN_ANSWER)
    .map((k) => ({ ...k, content: k.epoch >= member.horizon ? k.content : null }));
}
