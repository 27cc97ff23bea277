/** Arbitrary values of every wire format, for round trips and fuzzing. */
import fc from 'fast-check';
import type { Bytes, Hash, LogPk } from '../../crypto/brand';
import { compare } from '../../crypto/bytes';
import { FROM_CODES, type FromRelay, REFUSALS, TO_CODES, type ToRelay } from '../../crypto/frames';
import type { Receipt } from '../../crypto/receipt';
import type { Cut, Entry, EntryBody, NewRow, Rotation } from '../../crypto/roster/entry';

/** `n` arbitrary bytes, branded as whatever is asked. */
export const fixed = <B extends Bytes>(n: number): fc.Arbitrary<B> => fc.uint8Array({ minLength: n, maxLength: n }).map((b) => new Uint8Array(b) as Bytes as B);
export const blob = (max = 40): fc.Arbitrary<Bytes> => fc.uint8Array({ maxLength: max }).map((b) => new Uint8Array(b));
export const num: fc.Arbitrary<number> = fc.oneof(fc.nat(300), fc.maxSafeNat());

const byKey = <T>(key: (x: T) => Bytes) => (xs: T[]): T[] => [...xs].sort((a, b) => compare(key(a), key(b))).filter((x, i, all) => i === 0 || compare(key(all[i - 1] as T), key(x)) !== 0);

export const rotation: fc.Arbitrary<Rotation> = fc.record({
  contentCommit: fixed(32), rosterCommit: fixed(32),
  boxes: fc.array(fc.record({ to: fixed<LogPk>(32), hash: fixed<Hash>(32) }), { maxLength: 5 }).map(byKey<Rotation['boxes'][number]>((b) => b.to))
}) as fc.Arbitrary<Rotation>;
export const cuts: fc.Arbitrary<Cut[]> = fc.array(fc.record({ logPk: fixed<LogPk>(32), n: num, hash: fixed<Hash>(32) }), { maxLength: 4 }).map(byKey<Cut>((c) => c.logPk));
export const row: fc.Arbitrary<NewRow> = fc.record({ member: fixed(16), logPk: fixed(32), kem: fixed(1216), claim: fixed(64), redeem: fixed(64) }) as fc.Arbitrary<NewRow>;

const is = <K extends string>(kind: K) => fc.constant(kind);
export const body = fc.oneof(
  fc.record({ kind: is('genesis'), member: fixed(16), kem: fixed(1216), rotation, display: blob() }),
  fc.record({ kind: is('name'), display: blob() }),
  fc.record({ kind: is('invite'), invite: fixed(32), expires: num, history: fc.constantFrom('start', 'today'), display: blob() }),
  fc.record({ kind: is('revoke-invite'), invite: fixed(32) }),
  fc.record({ kind: is('admit'), invite: fixed(32), row, rotation, display: blob() }),
  fc.record({ kind: is('remove'), member: fixed(16), cuts, rotation }),
  fc.record({ kind: is('offer-owner'), to: fc.option(fixed(16)) }),
  fc.record({ kind: is('accept-owner'), offer: num, rotation }),
  fc.record({ kind: is('leave'), cuts }),
  fc.record({ kind: is('rotate'), rotation }),
  fc.record({ kind: is('restate-cut'), cut: fc.record({ logPk: fixed<LogPk>(32), n: num, hash: fixed<Hash>(32) }) })
) as fc.Arbitrary<EntryBody>;
export const entry = fc.record({ seq: num, prev: fixed(32), author: fixed(32), body, signature: fixed(64) }) as fc.Arbitrary<Entry>;

export const receipt = fc.record({ relayPk: fixed(32), incarnation: num, seq: num, chain: fixed(32), time: num, signature: fixed(64) }) as fc.Arbitrary<Receipt>;

const few = { maxLength: 3 } as const;
const group = fixed(32);
const boxes = fc.array(fc.record({ to: fixed(32), lockbox: blob() }), few);

export const toRelay = fc.oneof(
  fc.record({ is: is('auth'), re: num, group, as: fc.constantFrom('log', 'invite'), key: fixed(32), nonce: fixed(32), signature: fixed(64) }),
  fc.record({ is: is('create'), re: num, group, genesis: blob(), boxes }),
  fc.record({ is: is('append'), group, n: num, envelope: blob() }),
  fc.record({ is: is('boxes'), group, seq: num, boxes }),
  fc.record({ is: is('enter'), re: num, group, seq: num, entry: blob() }),
  fc.record({ is: is('roster'), re: num, group, after: num }),
  fc.record({ is: is('lockboxes'), re: num, group, after: num }),
  fc.record({ is: is('fetch'), re: num, group, way: fc.constantFrom('up', 'down'), from: num, most: num }),
  fc.record({ is: is('put-card'), re: num, group, invite: fixed(32), card: blob() }),
  fc.record({ is: is('get-card'), re: num, group }),
  fc.record({ is: is('put-request'), re: num, group, request: fixed(16), body: blob() }),
  fc.record({ is: is('drop-request'), re: num, group, request: fixed(16) }),
  fc.record({ is: is('get-answer'), re: num, group, request: fixed(16) }),
  fc.record({ is: is('mailbox'), re: num, group }),
  fc.record({ is: is('put-answer'), re: num, group, invite: fixed(32), request: fixed(16), body: blob() }),
  fc.record({ is: is('show'), re: num, group, life: num, rosterSeq: num, chain: fixed(32), n: num, hash: fixed(32) }),
  fc.record({ is: is('give-entries'), re: num, group, items: fc.array(fc.record({ entry: blob(), receipt }), few) }),
  fc.record({ is: is('give-boxes'), re: num, group, seq: num, boxes }),
  fc.record({ is: is('give'), re: num, group, items: fc.array(fc.record({ device: num, n: num, time: num, envelope: blob() }), few) }),
  fc.record({ is: is('ping'), re: num }),
  fc.record({ is: is('put-item'), re: num, group, n: num, item: blob() }),
  fc.record({ is: is('get-items'), re: num, group, after: num }),
  fc.record({ is: is('want'), re: num, group, want: blob() }),
  fc.record({ is: is('get-wants'), re: num, group }),
  fc.record({ is: is('put-keys'), re: num, group, to: fixed(32), want: fixed(32), keys: blob() }),
  fc.record({ is: is('get-keys'), re: num, group, after: num }),
  fc.record({ is: is('get-bell'), re: num, group }),
  fc.record({ is: is('put-bell'), re: num, group, place: fc.string({ maxLength: 40 }) }),
  fc.record({ is: is('drop-bell'), re: num, group }),
  fc.record({ is: is('create-by-permit'), re: num, group, permit: fixed(14), genesis: blob(), boxes })
) as fc.Arbitrary<ToRelay>;
export const TO_KINDS = Object.keys(TO_CODES).length;

const head = fc.record({ n: num, hash: fixed(32) });
export const fromRelay = fc.oneof(
  fc.record({ is: is('hello'), version: num, relayPk: fixed(32), incarnation: num, nonce: fixed(32), time: num }),
  fc.record({ is: is('welcome'), re: num, group, rosterSeq: num, feedSeq: num, head, bearer: fixed(32) }),
  fc.record({ is: is('gone'), re: num, group, seq: num }),
  fc.record({ is: is('entered'), re: num, group, receipt }),
  fc.record({ is: is('destroyed'), re: num, group, receipt }),
  fc.record({ is: is('turns'), turns: fc.array(receipt.map((r) => ({ from: r.relayPk, to: r.relayPk, signature: r.signature })), { maxLength: 3 }) }),
  fc.record({ is: is('acks'), group, items: fc.array(fc.record({ n: num, seq: num, time: num }), few) }),
  fc.record({ is: is('entries'), re: num, group, items: fc.array(fc.record({ entry: blob(), receipt }), few), more: fc.boolean() }),
  fc.record({ is: is('lockboxes'), re: num, group, items: fc.array(fc.record({ seq: num, lockbox: blob() }), few), more: fc.boolean() }),
  fc.record({
    is: is('page'), re: num, group, more: fc.boolean(), prevs: fc.array(fc.record({ device: num, prev: fixed(32) }), few),
    items: fc.array(fc.record({ device: num, n: num, seq: num, time: num, envelope: blob() }), few)
  }),
  fc.record({ is: is('card'), re: num, group, card: blob() }),
  fc.record({ is: is('answer'), re: num, group, request: fixed(16), body: blob() }),
  fc.record({ is: is('requests'), re: num, group, items: fc.array(fc.record({ invite: fixed(32), request: fixed(16), time: num, body: blob() }), few) }),
  fc.record({ is: is('done'), re: num, group }),
  fc.record({
    is: is('refused'), re: num, group, why: fc.constantFrom(...REFUSALS),
    detail: fc.record({ n: num, hash: fixed(32), fence: num, heads: fc.array(fc.record({ logPk: fixed(32), n: num, hash: fixed(32) }), few), words: fc.string({ maxLength: 12 }) })
  }),
  fc.record({
    is: is('standing'), re: num, group, healing: fc.boolean(), rosterSeq: num, chain: fixed(32), feed: num,
    heads: fc.array(fc.record({ device: num, n: num, hash: fixed(32) }), few), lacks: fc.array(fixed(32), few)
  }),
  fc.record({ is: is('pong'), re: num }),
  fc.record({ is: is('items'), re: num, group, items: fc.array(blob(), few), more: fc.boolean() }),
  fc.record({ is: is('wants'), re: num, group, items: fc.array(fc.record({ want: blob(), answers: num }), few) }),
  fc.record({ is: is('keys'), re: num, group, items: fc.array(fc.record({ at: num, keys: blob() }), few), more: fc.boolean() }),
  fc.record({ is: is('bell'), re: num, group, key: fixed(65) })
) as fc.Arbitrary<FromRelay>;
export const FROM_KINDS = Object.keys(FROM_CODES).length;

/** A few bytes changed, taken out or put in. */
export const spoiled = (from: fc.Arbitrary<Bytes>): fc.Arbitrary<Bytes> =>
  fc.tuple(from, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'put')), { minLength: 1, maxLength: 3 })).map(([b, edits]) => {
    const out = [...b];
    for (const [where, value, how] of edits) {
      const at = where % (out.length + 1);
      if (how === 'set' && at < out.length) out[at] = value;
      else if (how === 'cut') out.splice(at, 1);
      else out.splice(at, 0, value);
    }
    return new Uint8Array(out);
  });
