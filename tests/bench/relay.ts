/**
 * R1: one group, 20 sockets, one writer, 200-byte updates, window 64: deliveries a second to the 19 readers, the relay (which acks after
 * a durable commit) beside servers that keep nothing, in turns. R6: acks a second over 50,000 and more, and what is lost when the
 * relay is killed at the last ack. Ends with one line of JSON.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ready } from '../../crypto/sodium';
import { foundGroup, makeDevice, seeded } from '../support/actor';
import { bareLine, envelopeFrames, type Line, relayLine, session, told, yjsUpdates, ywsLine } from './peers/clients';
import { bundleRelay, forgetBundle, type Server, startPeer, startRelay } from './peers/processes';

const READERS = 19;
const WINDOW = 64;
const ROUNDS = 3;
const SECONDS = 3;
const WARM = 1;
const WRITERS = 8;

interface Figures { readonly deliveries: number; readonly cpu: number }
const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;
const round = (v: number, digits = 0): number => Number(v.toFixed(digits));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Writes for some seconds after a warm-up; deliveries and the server's processor seconds in between. */
function drive(line: Line, server: Server, most = Infinity): Promise<Figures> {
  return new Promise((done) => {
    let n = 0;
    let acked = 0;
    let deliveries = 0;
    let stopped = false;
    const more = (): void => {
      while (!stopped && n - acked < WINDOW && n < most) line.write(++n);
    };
    line.writer.on('message', (f: Buffer) => {
      acked += line.acked(f);
      more();
    });
    for (const r of line.readers) r.on('message', (f: Buffer) => void (deliveries += line.delivered(f)));
    more();
    setTimeout(() => {
      const from = { deliveries, cpu: server.cpu(), at: performance.now() };
      setTimeout(() => {
        stopped = true;
        const seconds = (performance.now() - from.at) / 1000;
        done({ deliveries: (deliveries - from.deliveries) / seconds, cpu: (server.cpu() - from.cpu) / (deliveries - from.deliveries) });
      }, SECONDS * 1000);
    }, WARM * 1000);
  });
}

async function fanout(): Promise<Record<'ours' | 'bare' | 'yws' | 'ratioBare' | 'ratioYws' | 'cpuUs', number>> {
  const updates = yjsUpdates(60_000);
  const got = { ours: [] as Figures[], bare: [] as Figures[], yws: [] as Figures[] };
  for (let i = 0; i < ROUNDS; i++) {
    const folder = mkdtempSync(join(tmpdir(), 'carefold-bench-'));
    const relay = await startRelay(folder);
    const founder = makeDevice(seeded(`fanout ${i}`));
    const ours = await relayLine(relay.port, foundGroup(seeded(`group ${i}`), founder), founder, READERS);
    got.ours.push(await drive(ours, relay));
    ours.close();
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
    for (const name of ['bare', 'yws'] as const) {
      const server = await startPeer(name);
      const line = name === 'bare' ? await bareLine(server.port, READERS) : await ywsLine(server.port, READERS, updates);
      got[name].push(await drive(line, server, name === 'yws' ? updates.length : Infinity));
      line.close();
      await server.kill();
    }
    const last = (name: keyof typeof got): string => `${name} ${Math.round(got[name].at(-1)?.deliveries ?? 0).toLocaleString('en')}/s`;
    say(`R1 round ${i + 1}: ${last('ours')}, ${last('bare')}, ${last('yws')}`);
  }
  const [ours, bare, yws] = [got.ours, got.bare, got.yws].map((all) => median(all.map((f) => f.deliveries))) as [number, number, number];
  return { ours: round(ours), bare: round(bare), yws: round(yws), ratioBare: round(ours / bare, 2), ratioYws: round(ours / yws, 2), cpuUs: round(median(got.ours.map((f) => f.cpu)) * 1e6, 2) };
}

async function durable(): Promise<{ acked: number; lost: number; acksPerS: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-bench-'));
  say(`R6 on ${folder}: file system type 0x${statfsSync(folder).type.toString(16)}, fdatasync of a page ${syncTime(folder)} ms (median of 200)`);
  let relay = await startRelay(folder);
  const groups = Array.from({ length: WRITERS }, (_, i) => {
    const founder = makeDevice(seeded(`durable ${i}`));
    return { founder, made: foundGroup(seeded(`durable group ${i}`), founder) };
  });
  const lines = await Promise.all(groups.map((g) => relayLine(relay.port, g.made, g.founder, 0)));
  const acksPerS = await acksPerSecond(lines, 10_000, 60_000);
  lines.forEach((l) => l.close());

  // the kill: 2,000 acks in a fresh group, then not one instruction more
  const founder = makeDevice(seeded('killed'));
  const made = foundGroup(seeded('killed group'), founder);
  const line = await relayLine(relay.port, made, founder, 0);
  const acked = await new Promise<number>((done) => {
    let n = 0;
    let got = 0;
    const more = (): void => {
      while (n - got < WINDOW && n < 2000) line.write(++n);
    };
    line.writer.on('message', (f: Buffer) => {
      got += line.acked(f);
      if (got === 2000) void relay.kill().then(() => done(got));
      more();
    });
    more();
  });
  relay = await startRelay(folder);
  const again = await session(relay.port, made, founder);
  const frames = envelopeFrames(made.group);
  let kept = 0;
  for (let from = 0, more = true; more; ) {
    const page = await told(again, { is: 'fetch', re: 3, group: made.group, way: 'up', from, most: 500 }, 'page');
    for (const i of page.items) {
      from = i.seq;
      if (Buffer.from(frames(i.n)).includes(Buffer.from(i.envelope))) kept++;
    }
    more = page.more;
  }
  again.terminate();
  await relay.kill();
  rmSync(folder, { recursive: true, force: true });
  return { acked, lost: acked - kept, acksPerS: round(acksPerS) };
}

/** All writers at once, each within its window. */
function acksPerSecond(lines: readonly Line[], warm: number, count: number): Promise<number> {
  return new Promise((done) => {
    let total = 0;
    let from = 0;
    for (const line of lines) {
      let n = 0;
      let acked = 0;
      const more = (): void => {
        while (n - acked < WINDOW) line.write(++n);
      };
      line.writer.on('message', (f: Buffer) => {
        const got = line.acked(f);
        acked += got;
        if (total < warm && total + got >= warm) from = performance.now();
        const before = total;
        total += got;
        if (before < warm + count && total >= warm + count) done(count / ((performance.now() - from) / 1000));
        if (total < warm + count) more();
      });
      more();
    }
  });
}

function syncTime(folder: string): number {
  const file = openSync(join(folder, 'sync'), 'w');
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, new Uint8Array(4096));
    const at = performance.now();
    fdatasyncSync(file);
    return performance.now() - at;
  });
  closeSync(file);
  rmSync(join(folder, 'sync'));
  return round(median(times), 2);
}

await ready();
await bundleRelay();
const R1 = await fanout();
const R6 = await durable();
forgetBundle();
say(JSON.stringify({ R1, R6 }));
process.exit(0);
