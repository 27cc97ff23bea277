/** SIGKILL in the middle of appends, a restart on the same folder, and a look for every ack: lost is what is not there, duplicated what is there twice. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFromRelay, type StoredEnvelope } from '../../crypto/frames';
import { type Place, placeAt } from '../bench/peers/dialects';
import { type Server, startRelay } from '../bench/peers/processes';

const WRITERS = 4;
const WINDOW = 32;
const TRIES = 5;
/** Frames made beforehand for each writer and kill. */
const MADE = 4000;

interface Writer { readonly place: Place; readonly acked: Map<number, number>; kept: number; feed: number; n: number; frames: readonly Uint8Array[] }
export interface Killed { kills: number; acked: number; lost: number; duplicated: number }

/** `sum`: what it comes to, also when it breaks off. */
export async function killed(kills: number, say: (line: string) => void, sum: Killed): Promise<void> {
  if (kills === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'carefold-chaos-'));
  const at = { relay: await startRelay(folder) };
  try {
    await killing(at, folder, kills, say, sum);
  } finally {
    await at.relay.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `at`: the relay of now. */
async function killing(at: { relay: Server }, folder: string, kills: number, say: (line: string) => void, sum: Killed): Promise<void> {
  const writers: Writer[] = [];
  for (let i = 0; i < WRITERS; i++) writers.push({ place: await placeAt('ours', at.relay.port, `killed ${i}`, 1), acked: new Map(), kept: 0, feed: 0, n: 0, frames: [] });
  while (sum.kills < kills) {
    await Promise.all(writers.map((w) => write(w, at.relay)));
    await new Promise((done) => setTimeout(done, 20 + Math.random() * 130));
    await at.relay.kill();
    sum.kills++;
    at.relay = await startRelay(folder);
    for (const w of writers) {
      const { lost, duplicated } = checked(w, await tried(() => w.place.again(at.relay.port, w.feed)));
      sum.acked += w.acked.size;
      sum.lost += lost;
      sum.duplicated += duplicated;
      w.acked.clear();
    }
    if (sum.kills % 50 === 0 || sum.kills === kills) say(`${sum.kills} kills: ${sum.acked} acked, ${sum.lost} lost, ${sum.duplicated} duplicated`);
  }
  // once more from the beginning: nothing that was there has gone since, and each number is there once
  for (const w of writers) {
    const all = await w.place.again(at.relay.port, 0);
    const once = new Set(all.map((e) => e.n));
    sum.duplicated += all.length - once.size;
    sum.lost += Math.max(0, w.kept - all.length);
  }
}

/** Writes from where the log stands, within its window, until the relay is gone. */
async function write(w: Writer, relay: Server): Promise<void> {
  const raw = await tried(() => w.place.join(0, relay.port));
  w.frames = w.place.updates(0, MADE, w.n);
  const from = w.n;
  let sent = 0;
  let acked = 0;
  const more = (): void => {
    while (sent - acked < WINDOW && sent < w.frames.length) raw.write(w.frames[sent++] as Uint8Array);
  };
  raw.hear = (m) => {
    const f = decodeFromRelay(new Uint8Array(m));
    if (!f.ok || f.value.is !== 'acks') return;
    for (const i of f.value.items) if (i.n > from) w.acked.set(i.n, i.seq);
    acked += f.value.items.length;
    more();
  };
  more();
}

/** Comes back as a device does: on a busy computer the relay may not wait for a proof. */
async function tried<T>(what: () => Promise<T>): Promise<T> {
  for (let i = 1; ; i++) {
    try {
      return await what();
    } catch (e) {
      if (i === TRIES) throw e;
    }
  }
}

/** What came since the last look, against what was acknowledged since. */
function checked(w: Writer, fresh: readonly StoredEnvelope[]): { readonly lost: number; readonly duplicated: number } {
  const there = new Map<number, StoredEnvelope>();
  let duplicated = 0;
  for (const e of fresh) {
    if (there.has(e.n) || e.n <= w.n || e.seq !== w.feed + 1) duplicated++;
    w.feed = e.seq;
    there.set(e.n, e);
  }
  let lost = 0;
  for (const [n, seq] of w.acked) {
    const e = there.get(n);
    const sent = w.frames[n - w.n - 1] as Uint8Array;
    if (e?.seq !== seq || !Buffer.from(sent).includes(Buffer.from(e.envelope))) lost++;
  }
  w.kept += there.size;
  w.n += there.size;
  return { lost, duplicated };
}
