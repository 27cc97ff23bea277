/** How each server under measurement is spoken to: joining, an update of 200 bytes, and how many updates a message acknowledges or delivers. */
import { createDecoder, readVarString, readVarUint, readVarUint8Array } from 'lib0/decoding';
import { createEncoder, toUint8Array, writeVarString, writeVarUint } from 'lib0/encoding';
import { writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import { applyUpdate, ContentAny, createID, Doc, Item, parseUpdateMeta, UpdateEncoderV1 } from 'yjs';
import { proveAccess } from '../../../crypto/access';
import type { Bytes, GroupId, LogPk } from '../../../crypto/brand';
import { concat } from '../../../crypto/bytes';
import { decodeFromRelay, encodeToRelay, type FromRelay, type StoredEnvelope, type ToRelay } from '../../../crypto/frames';
import { writeHeader } from '../../../crypto/header';
import { begin, fold } from '../../../crypto/roster/fold';
import type { RosterState } from '../../../crypto/roster/state';
import { type Device, deviceAdd, foundGroup, makeDevice, seeded } from '../../support/actor';
import { dial, masked, type Raw } from './raw';

export const PEERS = ['ours', 'bare', 'synced', 'yws', 'hocus'] as const;
export type PeerName = (typeof PEERS)[number];
export const SIZE = 200;

/** One place where people meet: a group, a document, a circle of sockets. */
export interface Place {
  /** A socket in session as writer number `who`, at the port where the server stands now. */
  join(who: number, port?: number): Promise<Raw>;
  /** Frames 1 … count of that writer; of the relay's place, as many after another. */
  updates(who: number, count: number, after?: number): readonly Uint8Array[];
  /** Bytes of a frame around the update itself. */
  readonly around: number;
  /** How many of its own updates a message acknowledges to a writer. */
  acked(m: Buffer): number;
  /** How many updates of others a message delivers. */
  delivered(m: Buffer): number;
  /** How many of writer 0's first so many updates a server at another port has, as they were written. */
  kept(port: number, count: number): Promise<number>;
  /** Fetches everything as a newcomer; resolves with the bytes that came. */
  fetchAll(count: number): Promise<number>;
  /** Everything there, as a server at another port has it: the relay alone. */
  again(port: number, from?: number): Promise<readonly StoredEnvelope[]>;
  /** The same as `join`, with what opens attachments as long as the socket does: the relay's place alone. */
  enter(who: number, port?: number): Promise<{ readonly raw: Raw; readonly bearer: Bytes }>;
  /** Of the relay's place. */
  readonly group: GroupId;
}

/** Writes all frames within the window; `acked` hears how many are acknowledged so far. */
export function windowed(writer: Raw, place: Place, frames: readonly Uint8Array[], window: number, acked: (all: number) => void = () => undefined): void {
  let n = 0;
  let got = 0;
  const more = (): void => {
    while (n - got < window && n < frames.length) writer.write(frames[n++] as Uint8Array);
  };
  writer.hear = (m) => {
    const a = place.acked(m);
    if (a === 0) return;
    acked((got += a));
    more();
  };
  more();
}

export async function placeAt(peer: PeerName, port: number, name: string, writers: number): Promise<Place> {
  if (peer === 'ours') return relayPlace(port, name, writers);
  const isPlain = peer === 'bare' || peer === 'synced';
  const path = `/${peer === 'hocus' ? '' : name}`;
  const prefix = peer === 'hocus' ? name : null;
  const at = prefix === null ? 0 : prefix.length + 1;
  const delivered = (m: Buffer): number => {
    if (isPlain) return 1;
    if (m[at] !== 0 || m[at + 1] !== 2) return 0;
    return peer === 'hocus' ? together(m.subarray(at + 2)) : 1;
  };
  const join = async (_who = 0, to = port): Promise<Raw> => {
    const raw = await dial(to, path);
    if (prefix !== null) await greeted(raw, prefix);
    return raw;
  };
  // the answer to the first step of the protocol is everything in one message
  const everything = async <T>(take: (m: Buffer) => T, to?: number): Promise<T> => {
    const raw = await join(0, to);
    return new Promise((done) => {
      raw.hear = (m) => {
        if (m[at] !== 0 || m[at + 1] !== 1) return;
        raw.close();
        done(take(m));
      };
      raw.write(masked(yjsMessage(prefix, (e) => writeSyncStep1(e, new Doc()))));
    });
  };
  return {
    join,
    around: 8,
    updates: (who, count) => (isPlain ? Array<Uint8Array>(count).fill(masked(new Uint8Array(SIZE))) : yjsUpdates(prefix, who, count)),
    // hocuspocus says of each update that it took it; from the others a writer gets its own back
    acked: peer === 'hocus' ? (m) => (m[at] === 8 && m[at + 1] === 1 ? 1 : 0) : delivered,
    delivered,
    group: new Uint8Array(32) as Bytes as GroupId,
    again: () => Promise.reject(new Error('keeps nothing')),
    enter: () => Promise.reject(new Error('keeps nothing')),
    kept: async (to, count) => {
      const doc = new Doc();
      await everything((m) => applyUpdate(doc, readVarUint8Array(createDecoder(m.subarray(at + 2)))), to);
      const there = new Set(doc.getArray<string>('posts').toArray());
      return Array.from({ length: count }, (_, i) => post(i)).filter((p) => there.has(p)).length;
    },
    fetchAll: () => everything((m) => m.length)
  };
}

/** hocuspocus lets a connection in once it has introduced itself. */
function greeted(raw: Raw, name: string): Promise<void> {
  const e = createEncoder();
  writeVarString(e, name);
  writeVarUint(e, 2);
  writeVarUint(e, 0);
  writeVarString(e, 'bench');
  writeVarString(e, '4.7.0');
  return new Promise((done) => {
    raw.hear = (m) => {
      const d = createDecoder(m);
      readVarString(d);
      if (readVarUint(d) === 2) done();
    };
    raw.write(masked(toUint8Array(e)));
  });
}

/** hocuspocus sends what came in one turn as one update: how many went into it, from the steps that it takes each writer's clock on. */
function together(m: Buffer): number {
  const { from, to } = parseUpdateMeta(readVarUint8Array(createDecoder(m)));
  return [...to].reduce((sum, [who, clock]) => sum + clock - (from.get(who) as number), 0);
}

function yjsMessage(prefix: string | null, write: (e: ReturnType<typeof createEncoder>) => void): Uint8Array {
  const e = createEncoder();
  if (prefix !== null) writeVarString(e, prefix);
  writeVarUint(e, 0);
  write(e);
  return toUint8Array(e);
}

const post = (i: number): string => String(i).padEnd(SIZE - 30, 'x');

/** Updates of writer `who`, the same in every document: what a list tells as posts are pushed onto it, without the list, which copies itself at each push. */
function yjsUpdates(prefix: string | null, who: number, count: number): Uint8Array[] {
  const client = 2 ** 31 + who;
  const list = new Doc().getArray('posts');
  return Array.from({ length: count }, (_, i) => {
    const update = new UpdateEncoderV1();
    // one item of one client
    for (const n of [1, 1, client, i]) writeVarUint(update.restEncoder, n);
    new Item(createID(client, i), null, i === 0 ? null : createID(client, i - 1), null, null, list, null, new ContentAny([post(i)])).write(update, 0);
    // and nothing deleted
    writeVarUint(update.restEncoder, 0);
    return masked(yjsMessage(prefix, (e) => writeUpdate(e, update.toUint8Array())));
  });
}

async function relayPlace(port: number, name: string, writers: number): Promise<Place> {
  const random = seeded(`place ${name} ${port} ${process.pid}`);
  const founder = makeDevice(random);
  const devices: Device[] = [founder];
  const group = foundGroup(random, founder);
  const first = await dial(port, '/ws');
  const hello = await heard(first, 'hello');
  const { receipt } = await told(first, { is: 'create', re: 1, group: group.group, genesis: group.entry, boxes: group.boxes }, 'entered');
  await prove(first, hello.nonce, port, group.group, founder, random);
  let folded = begin(group.group, group.entry, receipt.time);
  if (!folded.ok) throw new Error(folded.fault);
  while (devices.length < writers) {
    const state: RosterState = folded.value;
    const device = makeDevice(random, founder.member);
    const added = deviceAdd(random, state, founder, device);
    first.write(masked(encodeToRelay({ is: 'boxes', group: group.group, seq: state.seq + 1, boxes: added.boxes })));
    const answer = await told(first, { is: 'enter', re: 5, group: group.group, seq: state.seq + 1, entry: added.entry }, 'entered');
    folded = { ok: true, value: fold(state, added.entry, answer.receipt.time).state };
    devices.push(device);
  }
  first.close();
  const head = folded.value;
  const epoch = head.epochs.at(-1)?.seq ?? 1;
  const enter: Place['enter'] = async (who, to = port) => {
    const raw = await dial(to, '/ws');
    const { nonce } = await heard(raw, 'hello');
    return { raw, bearer: await prove(raw, nonce, to, group.group, devices[who] as Device, random) };
  };
  const join = async (who: number, to?: number): Promise<Raw> => (await enter(who, to)).raw;
  const updates: Place['updates'] = (who, count, after = 0) => {
    const frame = envelopeFrames(group.group, head.seq, epoch, who);
    return Array.from({ length: count }, (_, i) => masked(frame(after + i + 1)));
  };
  const again: Place['again'] = async (to, from = 0) => {
    const raw = await join(0, to);
    const out: StoredEnvelope[] = [];
    for (let more = true; more; ) {
      const page = await told(raw, { is: 'fetch', re: 3, group: group.group, way: 'up', from: out.at(-1)?.seq ?? from, most: 500 }, 'page');
      out.push(...page.items);
      more = page.more;
    }
    raw.close();
    return out;
  };
  return {
    join, enter, updates, again,
    // head and mask, then code, group, n and the envelope's length
    around: 8 + 1 + 32 + 3 + 2,
    acked: (m) => (m[0] === 5 ? varint(m, 33) : 0),
    delivered: (m) => (m[0] === 8 ? varint(m, 36) : 0),
    group: group.group,
    kept: async (to, count) => {
      const there = new Map((await again(to)).map((e) => [e.n, Buffer.from(e.envelope)]));
      return updates(0, count).filter((f, i) => there.has(i + 1) && Buffer.from(f).includes(there.get(i + 1) as Buffer)).length;
    },
    fetchAll: async (count) => {
      const raw = await join(0);
      return new Promise((done) => {
        let bytes = 0;
        let got = 0;
        let asked = 0;
        const ask = (): void => raw.write(masked(encodeToRelay({ is: 'fetch', re: 9, group: group.group, way: 'up', from: (asked += 500) - 500, most: 500 })));
        raw.hear = (m) => {
          if (m[0] !== 8) return;
          bytes += m.length;
          const items = pageCount(m);
          got += items;
          if (items < Math.min(500, count)) throw new Error('a page is not full');
          if (got >= count) {
            raw.close();
            return done(bytes);
          }
          if (asked < count) ask();
        };
        for (let i = 0; i < AHEAD && asked < count; i++) ask();
      });
    }
  };
}

/** Pages asked for before the first has come. */
const AHEAD = 4;

/** Envelopes as large as a sealed post of 200 bytes. The relay cannot tell ciphertext from chance, and checks no signature. */
export function envelopeFrames(group: GroupId, rosterSeq = 1, epoch = 1, seed: string | number = 'envelope'): (n: number) => Bytes {
  const rest = seeded(seed)(24 + 256 + 16 + 64);
  return (n) => encodeToRelay({ is: 'append', group, n, envelope: concat(writeHeader({ n, rosterSeq, epoch, blobs: [] }), rest) });
}

async function prove(raw: Raw, serverNonce: Bytes, port: number, group: GroupId, device: { readonly logPk: LogPk; readonly logSk: Device['logSk'] }, random: (n: number) => Bytes): Promise<Bytes> {
  const nonce = random(32);
  const proof = { as: 'log', host: `127.0.0.1:${port}`, group, serverNonce, nonce } as const;
  return (await told(raw, { is: 'auth', re: 2, group, as: 'log', key: device.logPk, nonce, signature: proveAccess(proof, device.logSk) }, 'welcome')).bearer;
}

export function heard<K extends FromRelay['is']>(raw: Raw, is: K): Promise<Extract<FromRelay, { is: K }>> {
  return new Promise((done, fail) => {
    raw.onClose = () => fail(new Error('closed'));
    raw.hear = (m) => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (!f.ok) return fail(new Error('unreadable'));
      if (f.value.is === 'refused') return fail(new Error(`${f.value.why} ${f.value.detail.words}`));
      if (f.value.is === is) done(f.value as Extract<FromRelay, { is: K }>);
    };
  });
}
export function told<K extends FromRelay['is']>(raw: Raw, f: ToRelay, is: K): Promise<Extract<FromRelay, { is: K }>> {
  const answer = heard(raw, is);
  raw.write(masked(encodeToRelay(f)));
  return answer;
}

/** Items of a page: after code, re, group and more come its prevs, then their count. */
function pageCount(m: Buffer): number {
  let at = 1;
  while ((m[at] as number) >= 0x80) at++;
  at += 1 + 32 + 1;
  let prevs = varint(m, at);
  while ((m[at] as number) >= 0x80) at++;
  at++;
  while (prevs-- > 0) {
    while ((m[at] as number) >= 0x80) at++;
    at += 1 + 32;
  }
  return varint(m, at);
}

/** The number that stands at a place of a frame. */
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
