/**
 * The vault's header, the one row that is not sealed (PROTOCOL §16): the vault key under each of its wraps, and how many wrong
 * passphrases came last. Kinds of wrap we don't know, and what a later build adds at the end, are kept as they are.
 */
import type { Bytes } from '$crypto/brand';
import { concat, equal } from '$crypto/bytes';
import { HASH, hash } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { type Argon, SALT } from '$crypto/passphrase';
import { err, type Result } from '$crypto/result';
import { decode, type Reader, Writer } from '$crypto/wire';

const VERSION = 1;
const KIND = 32;
const BODY = 4096;
const WRAPS = 64;

/** One way to the vault key. `passphrase` is ours; a passkey or a recovery phrase will be further kinds. */
export interface Wrap {
  readonly kind: string;
  readonly body: Bytes;
}
export interface Header {
  /** Tries since the last right one, each counted before it is judged. */
  readonly tries: number;
  /** When the last of them began, in milliseconds since 1970; 0 when there was none. */
  readonly lastTry: number;
  readonly wraps: readonly Wrap[];
  readonly more: Bytes;
}

/** Body of a wrap of the kind `passphrase`. */
export interface PassphraseWrap {
  readonly salt: Bytes;
  readonly argon: Argon;
  readonly wrapped: Bytes;
}
export const PASSPHRASE = 'passphrase';

/** Beyond these a header asks for more than a phone has: it is damaged, not demanding. */
const MOST: Argon = { memory: 1024 * 1024, passes: 64, lanes: 16 };

export function encodeHeader(h: Header): Bytes {
  const body = new Writer()
    .u8(VERSION)
    .num(h.tries)
    .num(h.lastTry)
    .list(h.wraps, (wrap, w) => w.text(wrap.kind).bytes(wrap.body))
    .fixed(h.more)
    .done();
  return concat(body, hash(LABEL.vaultHeader, body));
}

/** The sum at the end tells a damaged header from a wrong passphrase; it protects against nobody. */
export function decodeHeader(b: Bytes): Result<Header, 'malformed'> {
  const body = b.slice(0, Math.max(0, b.length - HASH));
  if (b.length < HASH || !equal(hash(LABEL.vaultHeader, body), b.slice(body.length))) return err('malformed');
  return decode(body, (r) => {
    if (r.u8() !== VERSION) r.fail();
    return { tries: r.num(), lastTry: r.num(), wraps: r.list(WRAPS, readWrap), more: r.rest() };
  });
}

const readWrap = (r: Reader): Wrap => ({ kind: r.text(KIND), body: r.bytes(BODY) });

/** What the wrap is bound to: changed costs or salt make it unreadable. */
export const aboutPassphrase = (salt: Bytes, a: Argon): Bytes =>
  new Writer().text(PASSPHRASE).fixed(salt).num(a.memory).num(a.passes).num(a.lanes).done();

export const encodePassphraseWrap = (p: PassphraseWrap): Bytes =>
  new Writer().fixed(p.salt).num(p.argon.memory).num(p.argon.passes).num(p.argon.lanes).fixed(p.wrapped).done();

export const decodePassphraseWrap = (b: Bytes): Result<PassphraseWrap, 'malformed'> =>
  decode(b, (r) => {
    const salt = r.fixed(SALT);
    const argon = { memory: r.num(MOST.memory), passes: r.num(MOST.passes), lanes: r.num(MOST.lanes) };
    // Argon2id is defined for no less
    if (argon.passes < 1 || argon.lanes < 1 || argon.memory < 8 * argon.lanes) r.fail();
    return { salt, argon, wrapped: r.rest() };
  });
