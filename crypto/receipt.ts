/** A relay's signed word that an entry has its place in the roster (PROTOCOL §7). */
import type { Bytes, GroupId, Hash, RelayPk } from './brand';
import { LABEL } from './labels';
import { HASH } from './hash';
import { SIGN_PK, SIGNATURE, sign, verify } from './verify';
import { type Reader, Writer } from './wire';

export interface Receipt {
  readonly relayPk: RelayPk;
  /** Milliseconds since 1970 when this incarnation of the relay's store began. */
  readonly incarnation: number;
  readonly seq: number;
  /** The chain hash after the entry; it covers the entry, its time and everything before. */
  readonly chain: Hash;
  /** Relay's clock, milliseconds since 1970. */
  readonly time: number;
  readonly signature: Bytes;
}

const body = (group: GroupId, r: Omit<Receipt, 'signature'>): Bytes =>
  new Writer().fixed(r.relayPk).num(r.incarnation).fixed(group).num(r.seq).fixed(r.chain).num(r.time).done();

export function signReceipt(group: GroupId, r: Omit<Receipt, 'signature'>, relaySk: Bytes): Receipt {
  return { ...r, signature: sign(LABEL.receipt, body(group, r), relaySk) };
}

export const verifyReceipt = (group: GroupId, r: Receipt): boolean => verify(LABEL.receipt, body(group, r), r.signature, r.relayPk);

/**
 * A relay's signed word that it holds nothing of a group any more (PROTOCOL §9.2): `seq` and `chain` are where the roster ended, `time` is
 * when all of it was destroyed.
 */
export function signDestroyed(group: GroupId, r: Omit<Receipt, 'signature'>, relaySk: Bytes): Receipt {
  return { ...r, signature: sign(LABEL.destroyed, body(group, r), relaySk) };
}

export const verifyDestroyed = (group: GroupId, r: Receipt): boolean => verify(LABEL.destroyed, body(group, r), r.signature, r.relayPk);

export const encodeReceipt = (r: Receipt): Bytes => {
  const w = new Writer();
  writeReceipt(r, w);
  return w.done();
};

export function writeReceipt(r: Receipt, w: Writer): void {
  w.fixed(r.relayPk).num(r.incarnation).num(r.seq).fixed(r.chain).num(r.time).fixed(r.signature);
}

export function readReceipt(r: Reader): Receipt {
  return {
    relayPk: r.fixed<RelayPk>(SIGN_PK),
    incarnation: r.num(),
    seq: r.num(),
    chain: r.fixed<Hash>(HASH),
    time: r.num(),
    signature: r.fixed(SIGNATURE)
  };
}
