/** A backup made while a relay takes all that its writers can send. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeFromRelay, type StoredEnvelope } from '../../../crypto/frames';
import { ready } from '../../../crypto/sodium';
import { type Place, placeAt } from '../../bench/peers/dialects';
import { bundleRelay, forgetBundle, keep, type Server, startRelay } from '../../bench/peers/processes';
import { until } from '../../support/engines';

const WRITERS = 2;
const WINDOW = 64;
/** Frames made at a time. */
const MADE = 500;

let folder: string;
const relays: Server[] = [];

beforeAll(async () => {
  await ready();
  await bundleRelay();
  folder = mkdtempSync(join(tmpdir(), 'carefold-backup-'));
});
afterAll(async () => {
  await Promise.all(relays.map((r) => r.kill()));
  forgetBundle();
  rmSync(folder, { recursive: true, force: true });
});

interface Writing { sent: number; acked: number; lastSeq: number; refused: number; stop(): void }

/** One of the place's devices, writing within its window until it is stopped. */
async function write(place: Place, who: number): Promise<Writing> {
  const raw = await place.join(who);
  let goesOn = true;
  let frames: readonly Uint8Array[] = [];
  const w: Writing = { sent: 0, acked: 0, lastSeq: 0, refused: 0, stop: () => void (goesOn = false) };
  const more = (): void => {
    while (goesOn && w.sent - w.acked < WINDOW) {
      if (w.sent % MADE === 0) frames = place.updates(who, MADE, w.sent);
      raw.write(frames[w.sent++ % MADE] as Uint8Array);
    }
  };
  raw.hear = (m) => {
    const f = decodeFromRelay(new Uint8Array(m));
    if (!f.ok) return;
    if (f.value.is === 'refused') w.refused++;
    if (f.value.is !== 'acks') return;
    w.acked += f.value.items.length;
    for (const i of f.value.items) w.lastSeq = Math.max(w.lastSeq, i.seq);
    more();
  };
  more();
  return w;
}

/** The feed at another relay, whose store is a backup of the one in `live`. */
async function restored(place: Place, live: string, file: string): Promise<readonly StoredEnvelope[]> {
  const copied = `${file}.restored`;
  mkdirSync(copied);
  copyFileSync(join(live, 'relay.key'), join(copied, 'relay.key'));
  expect(await keep('restore', copied, file)).toBe(0);
  const other = await startRelay(copied);
  relays.push(other);
  return place.again(other.port);
}

it('a backup of a relay under load holds the feed without a gap, at least up to what was acknowledged before; one at rest holds all of it', { timeout: 60_000 }, async () => {
  const [live, file, last] = [join(folder, 'live'), join(folder, 'backup'), join(folder, 'last')];
  mkdirSync(live);
  const relay = await startRelay(live);
  relays.push(relay);
  const place = await placeAt('ours', relay.port, 'backup', WRITERS);
  const writers = await Promise.all(Array.from({ length: WRITERS }, (_, who) => write(place, who)));
  const acked = (): number => writers.reduce((sum, w) => sum + w.acked, 0);
  await until(() => acked() > 5000);

  const [before, ackedBefore] = [Math.max(...writers.map((w) => w.lastSeq)), acked()];
  expect(await keep('backup', live, file)).toBe(0);
  // it went on all the while
  expect(acked() - ackedBefore).toBeGreaterThan(500);
  expect(writers.map((w) => w.refused)).toEqual([0, 0]);
  for (const w of writers) w.stop();
  await until(() => writers.every((w) => w.acked === w.sent));
  // what the store has not yet moved out of its write-ahead log belongs to a backup too
  expect(await keep('backup', live, last)).toBe(0);

  const [feed, kept, all] = [await place.again(relay.port), await restored(place, live, file), await restored(place, live, last)];
  expect(feed).toHaveLength(acked());
  expect(kept.length).toBeGreaterThanOrEqual(before);
  expect(kept.length).toBeLessThan(feed.length);
  expect(all).toHaveLength(feed.length);
  for (const copy of [kept, all]) {
    expect(copy.map((e) => e.seq)).toEqual(copy.map((_, i) => i + 1));
    expect(copy.filter((e, i) => e.n !== feed[i]?.n || Buffer.compare(e.envelope, feed[i].envelope) !== 0)).toEqual([]);
  }
});
