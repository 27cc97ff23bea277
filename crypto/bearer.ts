/** What opens attachments at any relay of several that share a store (PROTOCOL §11.1): a MAC under a key that they have in common, which only relays make and read. */
import type { Bytes, GroupId } from './brand';
import { concat } from './bytes';
import { BEARER } from './frames';
import { hash } from './hash';
import { LABEL } from './labels';
import { na } from './sodium';
import { Writer } from './wire';

const SEED = 32;
const MAC = 24;

export interface Bearer {
  readonly group: GroupId;
  /** The life of the store that it was given in. */
  readonly incarnation: number;
  /** Index of the row that it stands for. */
  readonly device: number;
  /** Seconds since 1970 after which it opens nothing. */
  readonly until: number;
}

/** The key of relays whose signing key this is. */
export const bearerKey = (relaySk: Bytes): Bytes => hash(LABEL.bearerKey, relaySk.subarray(0, SEED));

export function makeBearer(key: Bytes, b: Bearer): Bytes {
  const open = new Uint8Array(BEARER - MAC);
  const view = new DataView(open.buffer);
  view.setUint32(0, b.device);
  view.setUint32(4, b.until);
  return concat(open, macOf(key, b));
}

/** Whom it stands for in a group, in a life; null when no relay with this key made it for them. Whether its time is over is the caller's to ask. */
export function readBearer(key: Bytes, bytes: Bytes, at: Pick<Bearer, 'group' | 'incarnation'>): Bearer | null {
  if (bytes.length !== BEARER) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const b = { ...at, device: view.getUint32(0), until: view.getUint32(4) };
  return na().memcmp(macOf(key, b), bytes.subarray(BEARER - MAC)) ? b : null;
}

const macOf = (key: Bytes, b: Bearer): Bytes =>
  na().crypto_generichash(MAC, concat(LABEL.bearer, new Writer().fixed(b.group).num(b.incarnation).num(b.device).num(b.until).done()), key) as Bytes;
