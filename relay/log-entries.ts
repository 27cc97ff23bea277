/** The part of the log that holds rosters' entries with their receipts: one text for every engine. */
import type { Bytes } from '../crypto/brand';
import type { ReceiptedEntry } from '../crypto/frames';
import { encodeReceipt, readReceipt, type Receipt } from '../crypto/receipt';
import { decode } from '../crypto/wire';
import { earlierSeq, healingOf } from './lives';
import type { Loaded } from './log';
import { all, did, type Found, one, type Steps } from './steps';

/** A receipt as a store keeps it. Throws when it is none. */
export function receiptOf(bytes: Uint8Array): Receipt {
  const read = decode(bytes, readReceipt);
  if (!read.ok) throw new Error('a stored receipt cannot be read');
  return read.value;
}
/** An entry out of its row. */
export const receipted = (f: Found): ReceiptedEntry => ({ entry: f['entry'] as Bytes, receipt: receiptOf(f['receipt'] as Bytes) });

export const putEntry = (g: number, seq: number, e: ReceiptedEntry): Steps<null> => did('INSERT INTO entries VALUES (?, ?, ?, ?)', g, seq, e.entry, encodeReceipt(e.receipt));

export function* genesisOf(g: number): Steps<ReceiptedEntry> {
  return receipted((yield* one('SELECT entry, receipt FROM entries WHERE g = ? AND seq = 1', g)) as Found);
}

/** A group from the checkpoint at `seq` on. */
export function* loaded(g: number, seq: number, state: Bytes): Steps<Loaded> {
  const found = (yield* all('SELECT entry, receipt FROM entries WHERE g = ? AND seq >= ? ORDER BY seq', g, seq)).map(receipted);
  const earlier = yield* earlierSeq(g);
  return { g, state, after: found.slice(1), signer: (found.at(-1) as ReceiptedEntry).receipt.relayPk, earlier, healing: yield* healingOf(g, earlier) };
}
