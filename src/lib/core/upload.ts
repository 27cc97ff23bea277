/**
 * Blobs of waiting records on their way to the relay, beside the group's turn: a slow picture must not hold up the words. Once all of a
 * record's are there its envelope may name them.
 */
import { base64url, hex, unbase64url } from '$crypto/bytes';
import type { Bytes } from '$crypto/brand';
import { blobIdsOf } from '../care/record';
import { StoreError } from '../store/store';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, putBytes, putWaiting } from './group-rows';
import { isHeld } from './hold';

const RETRY = 5_000;
const WHILE_FULL = 60_000;

/** `pump` sends what may go once they are there. */
export function uploadSoon(run: GroupRun, pump: (run: GroupRun) => Promise<void>): void {
  if (run.uploading || run.bearer === null) return;
  run.uploading = true;
  void upload(run, pump)
    .catch((e: unknown) => {
      run.around.failed(e);
      // what it needs here has no place on the disk: there may be some later
      if (e instanceof StoreError && e.fault === 'full') run.around.later(WHILE_FULL, () => uploadSoon(run, pump));
    })
    .finally(() => {
      run.uploading = false;
    });
}

async function upload(run: GroupRun, pump: (run: GroupRun) => Promise<void>): Promise<void> {
  for (let item = next(run); item !== undefined; item = next(run)) {
    const lacking: string[] = [];
    for (const b of blobIdsOf(item.record).filter((x) => !run.uploaded.has(x))) {
      // taken out while others were on their way
      if (!run.outbox.includes(item)) break;
      const ciphertext = await ciphertextOf(run, item, b);
      if (run.bearer === null) return;
      if (ciphertext !== null) {
        const outcome = await run.around.blobs.put(hex(run.row.id), hex(unbase64url(b) as Bytes), base64url(run.bearer), ciphertext);
        if (outcome === 'full' || outcome === 'relay-full') noSpaceFor(run, 'pictures', outcome === 'full' ? 'group' : 'server');
        // what was taken in whole and refused is not sent again at once
        if (outcome !== 'stored') return void run.around.later(outcome === 'full' || outcome === 'relay-full' ? WHILE_FULL : RETRY, () => uploadSoon(run, pump));
        spaceFor(run, 'pictures');
        // what is lent is here already
        if (item.record.t !== 'carried' || item.record.s !== undefined) await run.around.store.cacheCommit([{ table: 'blob', key: run.blobKey(b), value: ciphertext }]).catch(() => undefined);
      } else if (item.record.t === 'carried') {
        lacking.push(b);
        continue;
      }
      // without ciphertext here it is lost, unless the relay has it; otherwise it says no-blob
      run.uploaded.add(b);
      run.around.changed(run.ref, item.record.t === 'carried' ? 'group' : 'feed', null);
    }
    if (lacking.length > 0) await run.local.take(() => leaveOut(run, item, lacking));
    run.around.turn(run, () => pump(run));
  }
}

/** The next record whose blobs have to go: what people wait for before what is brought along. */
function next(run: GroupRun): OutboxItem | undefined {
  const now = run.around.clock();
  const due = run.outbox.filter((o) => !isHeld(o, now) && blobIdsOf(o.record).some((b) => !run.uploaded.has(b)));
  return due.find((o) => o.record.t !== 'carried') ?? due[0];
}

/** From what waits here, or from an earlier post; a picture that is brought along is kept until its envelope was taken, so that it can go again. */
async function ciphertextOf(run: GroupRun, item: OutboxItem, b: string): Promise<Bytes | null> {
  const { store } = run.around;
  const key = run.blobKey(b);
  const here = await store.get('upload', key);
  if (here !== null) return here;
  const cached = (await store.cacheGet('blob', key)) ?? (await run.carrying?.lend(b)) ?? null;
  if (item.record.t === 'carried' && cached !== null) await run.commit([putBytes('upload', key, cached)]);
  return cached;
}

/** Pictures that are not here any more are not promised; what is sealed already says what it says. */
async function leaveOut(run: GroupRun, item: OutboxItem, lacking: readonly string[]): Promise<void> {
  const { record } = item;
  if (!run.outbox.includes(item)) return;
  if (record.t !== 'carried' || run.sealed?.keys.includes(item.key) === true) return lacking.forEach((b) => run.uploaded.add(b));
  const left = { ...record, b: record.b.filter((b) => !lacking.includes(b)) };
  const isNothing = left.b.length === 0 && left.s === undefined;
  run.outbox = run.outbox.flatMap((o) => (o !== item ? [o] : isNothing ? [] : [{ ...o, record: left }]));
  await run.commit([isNothing ? drop('outbox', item.key) : putWaiting({ ...item, record: left })]);
}

/** The relay takes what it is asked to again. */
export function spaceFor(run: GroupRun, what: 'words' | 'pictures'): void {
  if (run.noRoom?.what !== what) return;
  run.noRoom = null;
  run.changed();
}
/** It has no room for it: of the group's, or none at all. */
export function noSpaceFor(run: GroupRun, what: 'words' | 'pictures', of: 'group' | 'server'): void {
  if (run.noRoom?.what === what && run.noRoom.of === of) return;
  run.noRoom = { what, of };
  run.changed();
}
