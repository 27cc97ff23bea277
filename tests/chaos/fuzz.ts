/** Nonsense for a relay: frames cut, bent and made up, before a proof and after, broken WebSocket frames, and HTTP that is none; while one device goes on posting. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeToRelay, encodeToRelay } from '../../crypto/frames';
import { sampleFrames } from '../vectors/make';
import { type Place, placeAt } from '../bench/peers/dialects';
import { memoryOf, startRelay } from '../bench/peers/processes';
import { dial, masked, type Raw } from '../bench/peers/raw';

/** Unreadable frames that end no connection, and frames on one. */
const UNREADABLE = 45;
const EACH = 2000;

const some = (n: number): number => Math.floor(Math.random() * n);
const bytes = (n: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(n));

export interface Fuzzed { frames: number; requests: number }

/** `each`: frames on one connection; `sum`: what went out, also when it breaks off. Rejects when the relay has ended, or no longer serves a device that behaves. */
export async function fuzzed(count: number, say: (line: string) => void, sum: Fuzzed, each = EACH): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-fuzz-'));
  const relay = await startRelay(folder);
  try {
    const place = await placeAt('ours', relay.port, 'fuzz', 1);
    const honest = await place.join(0);
    const samples = sampleFrames().toRelay.map((f) => encodeToRelay('group' in f ? { ...f, group: place.group } : f));
    for (let posted = 0; sum.frames < count; ) {
      const isProven = some(3) > 0;
      const raw = isProven ? await place.join(0) : await dial(relay.port, '/ws');
      sum.frames += await attack(raw, samples, Math.min(each, count - sum.frames));
      await nonsense(relay.port, some(6));
      sum.requests++;
      await acked(honest, place, ++posted);
      if (posted % 50 === 0) say(`${sum.frames} frames, ${sum.requests} requests, ${Math.round(memoryOf(relay.pid) / 1e6)} MB`);
    }
    if (memoryOf(relay.pid) > 1e9) throw new Error('the relay kept what it was sent');
  } finally {
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One post by the device that behaves; its ack has to come. */
function acked(honest: Raw, place: Place, n: number): Promise<void> {
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new Error('no ack within 20 seconds')), 20_000);
    honest.onClose = () => fail(new Error('a device that behaves was dropped'));
    honest.hear = (m) => {
      if (place.acked(m) === 0) return;
      clearTimeout(late);
      done();
    };
    honest.write(place.updates(0, n)[n - 1] as Uint8Array);
  });
}

/** Frames until the connection ends or has had enough; how many went out. */
async function attack(raw: Raw, samples: readonly Uint8Array[], most: number): Promise<number> {
  let open = true;
  raw.onClose = () => void (open = false);
  let unreadable = 0;
  let n = 0;
  while (open && n < most) {
    for (let i = 0; i < 100 && n < most; i++) {
      const f = bent(samples[some(samples.length)] as Uint8Array);
      if (!decodeToRelay(f).ok && ++unreadable > UNREADABLE) continue;
      raw.write(masked(f));
      n++;
    }
    await new Promise((done) => setImmediate(done));
  }
  // and at last a frame that is none: reserved bits, no mask, a length that never comes
  if (open) raw.write(bytes(1 + some(200)));
  await new Promise((done) => setTimeout(done, 1));
  raw.close();
  return n;
}

function bent(sample: Uint8Array): Uint8Array {
  const f = new Uint8Array(sample);
  switch (some(8)) {
    case 0:
      return bytes(some(300));
    case 1:
      return f.subarray(0, some(f.length));
    case 2:
      return new Uint8Array([...f, ...bytes(some(20))]);
    default:
      for (let i = some(4); i >= 0; i--) f[some(f.length)] = some(256);
      return f;
  }
}

/** A request that no browser would make. */
function nonsense(port: number, kind: number): Promise<void> {
  const id = Buffer.from(bytes(32)).toString('hex');
  const lines = [
    Buffer.from(bytes(some(2000))),
    Buffer.from(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ${id}\r\n\r\n`),
    Buffer.from(`PUT /api/blob/${id}/${id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${'A'.repeat(43)}\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n${id}`),
    Buffer.from(`GET /${'%00../'.repeat(some(500))} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
    Buffer.from(`POST /healthz HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello`),
    Buffer.from(`GET / HTTP/1.1\r\n${`X-${id}: y\r\n`.repeat(300)}`)
  ];
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(lines[kind] as Buffer));
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    setTimeout(() => {
      socket.destroy();
      done();
    }, 2);
  });
}
