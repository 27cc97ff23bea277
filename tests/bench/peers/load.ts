/** The other side of a measurement, in a process of its own: one job against one server, its result as a line of JSON. */
import { ready } from '../../../crypto/sodium';
import { type PeerName, type Place, placeAt, windowed } from './dialects';
import { cpuOf, memoryOf } from './processes';
import type { Raw } from './raw';

export type Job =
  /** Deliveries a second to `readers`, and server seconds a delivery, for one writer within a window; beside them `deaf` sockets that read nothing. */
  | { readonly is: 'fan'; readonly readers: number; readonly window: number; readonly warm: number; readonly ms: number; readonly most: number; readonly deaf?: number }
  /** Milliseconds from writing to delivery at so many updates a second. */
  | { readonly is: 'paced'; readonly readers: number; readonly perSecond: number; readonly ms: number }
  /** Server seconds a delivery with many groups at one update a second for each device. */
  | { readonly is: 'many'; readonly groups: number; readonly devices: number; readonly ms: number }
  /** Memory of the server for each idle socket. */
  | { readonly is: 'idle'; readonly sockets: number; readonly places: number; readonly ms: number }
  /** Milliseconds for a newcomer to have everything, and the bytes of it. */
  | { readonly is: 'late'; readonly count: number; readonly times: number }
  /** Acks a second with one writer in each of so many groups. */
  | { readonly is: 'acks'; readonly writers: number; readonly window: number; readonly warm: number; readonly count: number };
export interface Against { readonly peer: PeerName; readonly port: number; readonly pid: number; readonly job: Job }
export type Result = Readonly<Record<string, number>>;

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
const at = <T>(all: readonly T[], part: number): T => all[Math.min(all.length - 1, Math.floor(all.length * part))] as T;

async function fan(a: Against, job: Extract<Job, { is: 'fan' }>): Promise<Result> {
  const place = await placeAt(a.peer, a.port, 'fan', 1);
  const frames = place.updates(0, job.most);
  const readers = await Promise.all(Array.from({ length: job.readers }, () => place.join(0)));
  let deliveries = 0;
  for (const r of readers) r.hear = (m) => void (deliveries += place.delivered(m));
  for (let i = 0; i < (job.deaf ?? 0); i++) (await place.join(0)).pause();
  windowed(await place.join(0), place, frames, job.window);
  await pause(job.warm);
  const from = { deliveries, cpu: cpuOf(a.pid), at: performance.now() };
  await pause(job.ms);
  const count = deliveries - from.deliveries;
  if (deliveries >= job.most * job.readers) throw new Error('wrote all there was: no steady state');
  return { perS: (count * 1000) / (performance.now() - from.at), cpuUs: ((cpuOf(a.pid) - from.cpu) * 1e6) / count };
}

async function paced(a: Against, job: Extract<Job, { is: 'paced' }>): Promise<Result> {
  const place = await placeAt(a.peer, a.port, 'paced', 1);
  const frames = place.updates(0, Math.ceil((job.perSecond * (job.ms + 2000)) / 1000));
  const sent: number[] = [];
  const took: number[] = [];
  const writer = await place.join(0);
  for (const r of await Promise.all(Array.from({ length: job.readers }, () => place.join(0)))) {
    let n = 0;
    r.hear = (m) => {
      const now = performance.now();
      for (let k = place.delivered(m); k > 0; k--) {
        const began = sent[n++] as number;
        if (n > job.perSecond) took.push(now - began);
      }
    };
  }
  const start = performance.now();
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      while (sent.length < frames.length && performance.now() - start >= (sent.length * 1000) / job.perSecond) {
        writer.write(frames[sent.length] as Uint8Array);
        sent.push(performance.now());
      }
      if (sent.length < frames.length) return;
      clearInterval(timer);
      done();
    }, 1);
  });
  await pause(200);
  took.sort((x, y) => x - y);
  return { p50: at(took, 0.5), p99: at(took, 0.99) };
}

async function many(a: Against, job: Extract<Job, { is: 'many' }>): Promise<Result> {
  const seconds = Math.ceil(job.ms / 1000) + 2;
  let deliveries = 0;
  const writers: { readonly raw: Raw; readonly frames: readonly Uint8Array[]; n: number }[] = [];
  for (let g = 0; g < job.groups; g++) {
    const place = await placeAt(a.peer, a.port, `g${g}`, job.devices);
    for (let who = 0; who < job.devices; who++) {
      const raw = await place.join(who);
      raw.hear = (m) => void (deliveries += place.delivered(m));
      writers.push({ raw, frames: place.updates(who, seconds), n: 0 });
    }
  }
  // one after the other, evenly over each second
  const start = performance.now();
  let next = 0;
  let sent = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - start) * writers.length) / 1000;
    for (; next < due; next++) {
      const w = writers[(next * 7919) % writers.length] as (typeof writers)[number];
      const frame = w.frames[w.n++];
      if (frame === undefined) continue;
      w.raw.write(frame);
      sent++;
    }
  }, 1);
  await pause(1000);
  const from = { deliveries, cpu: cpuOf(a.pid), at: performance.now() };
  await pause(job.ms);
  clearInterval(timer);
  // the peers' servers give a writer its own update back, which is its ack and no delivery
  const own = a.peer === 'ours' ? 0 : 1;
  // hocuspocus delivers nothing while it stores: what is under way belongs to it
  for (let tries = 0; deliveries < sent * (job.devices - 1 + own); tries++) {
    if (tries === 6000) throw new Error('not everything was delivered within a minute');
    await pause(10);
  }
  const others = ((deliveries - from.deliveries) * (job.devices - 1)) / (job.devices - 1 + own);
  return { cpuUs: ((cpuOf(a.pid) - from.cpu) * 1e6) / others, perS: (others * 1000) / (performance.now() - from.at) };
}

async function idle(a: Against, job: Extract<Job, { is: 'idle' }>): Promise<Result> {
  const places = await Promise.all(Array.from({ length: job.places }, (_, i) => placeAt(a.peer, a.port, `p${i}`, 1)));
  await pause(1000);
  const before = memoryOf(a.pid);
  const open: Raw[] = [];
  while (open.length < job.sockets) open.push(...(await Promise.all(Array.from({ length: 50 }, (_, i) => (places[(open.length + i) % places.length] as Place).join(0)))));
  for (const raw of open) raw.onClose = () => { throw new Error('an idle socket was closed'); };
  await pause(job.ms);
  return { bytes: (memoryOf(a.pid) - before) / open.length, sockets: open.length };
}

async function late(a: Against, job: Extract<Job, { is: 'late' }>): Promise<Result> {
  const place = await placeAt(a.peer, a.port, 'late', 1);
  const frames = place.updates(0, job.count);
  // the writer stays: hocuspocus forgets a document that nobody has open, and would read it anew for each newcomer
  const writer = await place.join(0);
  await new Promise<void>((done) => windowed(writer, place, frames, 500, (all) => (all === job.count ? done() : undefined)));
  await pause(500);
  const took: number[] = [];
  let bytes = 0;
  for (let i = 0; i < job.times; i++) {
    const start = performance.now();
    bytes = await place.fetchAll(job.count);
    took.push(performance.now() - start);
    await pause(100);
  }
  const sent = frames.reduce((sum, f) => sum + f.length - place.around, 0);
  return { ms: at(took.sort((x, y) => x - y), 0.5), bytes, sent };
}

async function acks(a: Against, job: Extract<Job, { is: 'acks' }>): Promise<Result> {
  const lines = await Promise.all(
    Array.from({ length: job.writers }, async (_, i) => {
      const place = await placeAt(a.peer, a.port, `w${i}`, 1);
      return { place, frames: place.updates(0, Math.ceil(((job.warm + job.count) / job.writers) * 2)), writer: await place.join(0) };
    })
  );
  return new Promise((done) => {
    let total = 0;
    let from = 0;
    for (const { place, frames, writer } of lines) {
      let before = 0;
      windowed(writer, place, frames, job.window, (all) => {
        total += all - before;
        before = all;
        if (from === 0 && total >= job.warm) {
          from = performance.now();
          total = 0;
        }
        if (from !== 0 && total >= job.count) done({ perS: (total * 1000) / (performance.now() - from) });
      });
    }
  });
}

const RUN = { fan, paced, many, idle, late, acks } as { readonly [K in Job['is']]: (a: Against, job: never) => Promise<Result> };

await ready();
const against = JSON.parse(process.argv[2] as string) as Against;
process.stdout.write(`${JSON.stringify(await RUN[against.job.is](against, against.job as never))}\n`);
process.exit(0);
