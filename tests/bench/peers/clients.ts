/** The other side of a measurement: sockets that write within a window and count what reaches the readers. */
import { once } from 'node:events';
import { createEncoder, toUint8Array, writeVarUint } from 'lib0/encoding';
import { WebSocket } from 'ws';
import { writeUpdate } from 'y-protocols/sync';
import { Doc } from 'yjs';
import { proveAccess } from '../../../crypto/access';
import type { Bytes, GroupId } from '../../../crypto/brand';
import { concat } from '../../../crypto/bytes';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../../crypto/frames';
import { writeHeader } from '../../../crypto/header';
import { seeded, type Device } from '../../support/actor';

/** A writer and its readers: how to write message n, and how many messages a frame brings. */
export interface Line {
  readonly writer: WebSocket;
  readonly readers: readonly WebSocket[];
  write(n: number): void;
  /** How many of the writer's messages this frame acknowledges to it. */
  acked(frame: Buffer): number;
  /** How many messages this frame delivers to a reader. */
  delivered(frame: Buffer): number;
  close(): void;
}

export const SIZE = 200;

export async function dial(port: number, path = ''): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false });
  await once(ws, 'open');
  return ws;
}
const closing = (all: readonly WebSocket[]) => (): void => all.forEach((ws) => ws.terminate());

/** Passes 200 bytes on; the echo to the writer is its ack. */
export async function bareLine(port: number, readers: number): Promise<Line> {
  const all = await Promise.all(Array.from({ length: readers + 1 }, () => dial(port)));
  const message = new Uint8Array(SIZE);
  const writer = all[0] as WebSocket;
  return { writer, readers: all.slice(1), write: () => writer.send(message), acked: () => 1, delivered: () => 1, close: closing(all) };
}

/** Yjs updates of 200 bytes, made beforehand. The server sends each to everyone, its writer too. */
export async function ywsLine(port: number, readers: number, updates: readonly Uint8Array[]): Promise<Line> {
  const all = await Promise.all(Array.from({ length: readers + 1 }, () => dial(port)));
  const writer = all[0] as WebSocket;
  // the first frame of each connection is the server's own question
  const isUpdate = (f: Buffer): number => (f[0] === 0 && f[1] === 2 ? 1 : 0);
  return { writer, readers: all.slice(1), write: (n) => writer.send(updates[n - 1] as Uint8Array), acked: isUpdate, delivered: isUpdate, close: closing(all) };
}
export function yjsUpdates(count: number): Uint8Array[] {
  const doc = new Doc();
  const out: Uint8Array[] = [];
  doc.on('update', (u: Uint8Array) => {
    const e = createEncoder();
    writeVarUint(e, 0);
    writeUpdate(e, u);
    out.push(toUint8Array(e));
  });
  const list = doc.getArray<string>('posts');
  for (let i = 0; i < count; i++) list.push([String(i).padEnd(SIZE - 30, 'x')]);
  return out;
}

/** A group at the relay, its founder on one socket and its readers, in session with the same key, on the others. */
export async function relayLine(port: number, made: { readonly group: GroupId; readonly entry: Bytes; readonly boxes: readonly { to: Device['logPk']; lockbox: Bytes }[] }, founder: Device, readers: number): Promise<Line> {
  const writer = await session(port, made, founder);
  const rest = await Promise.all(Array.from({ length: readers }, () => session(port, made, founder)));
  const frames = envelopeFrames(made.group);
  return {
    writer, readers: rest,
    write: (n) => writer.send(frames(n)),
    acked: (f) => (f[0] === 5 ? varint(f, 33) : 0),
    delivered: (f) => (f[0] === 8 ? varint(f, 36) : 0),
    close: closing([writer, ...rest])
  };
}

/** Envelopes as large as a sealed post of 200 bytes. The relay cannot tell ciphertext from chance, and checks no signature. */
export function envelopeFrames(group: GroupId): (n: number) => Bytes {
  const rest = seeded('envelope')(24 + 256 + 16 + 64);
  return (n) => encodeToRelay({ is: 'append', group, n, envelope: concat(writeHeader({ n, rosterSeq: 1, epoch: 1, blobs: [] }), rest) });
}

export async function session(port: number, made: Parameters<typeof relayLine>[1], device: Device): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false });
  const hello = await heard(ws, 'hello');
  await told(ws, { is: 'create', re: 1, group: made.group, genesis: made.entry, boxes: made.boxes }, 'entered');
  const nonce = seeded(`${Math.random()}`)(32);
  const proof = { as: 'log', host: `127.0.0.1:${port}`, group: made.group, serverNonce: hello.nonce, nonce } as const;
  await told(ws, { is: 'auth', re: 2, group: made.group, as: 'log', key: device.logPk, nonce, signature: proveAccess(proof, device.logSk) }, 'welcome');
  return ws;
}
export function heard<K extends FromRelay['is']>(ws: WebSocket, is: K): Promise<Extract<FromRelay, { is: K }>> {
  return new Promise((done, fail) => {
    const hear = (m: Buffer): void => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (!f.ok) return;
      if (f.value.is === 'refused') fail(new Error(f.value.why));
      if (f.value.is !== is) return;
      ws.off('message', hear);
      done(f.value as Extract<FromRelay, { is: K }>);
    };
    ws.on('message', hear);
  });
}
export function told<K extends FromRelay['is']>(ws: WebSocket, f: ToRelay, is: K): Promise<Extract<FromRelay, { is: K }>> {
  const answer = heard(ws, is);
  ws.send(encodeToRelay(f));
  return answer;
}

/** The count that stands at a place of a frame. */
function varint(f: Buffer, at: number): number {
  let v = 0;
  let scale = 1;
  for (let i = at; ; i++) {
    const b = f[i] as number;
    v += (b & 0x7f) * scale;
    if (b < 0x80) return v;
    scale *= 128;
  }
}
