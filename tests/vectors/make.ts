/**
 * Test vectors of every byte format (PROTOCOL). `npx tsx tests/vectors/make.ts` writes them; `vectors.test.ts` reads them both ways.
 * Bytes are lower-case hex. `random` is what was drawn from the random source, in order.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AccessProof, proveAccess } from '../../crypto/access';
import { type Bearer, bearerKey, makeBearer } from '../../crypto/bearer';
import { rowKeyOf, sealRow, wrapVaultKey } from '../../crypto/at-rest';
import { sealBlob } from '../../crypto/blob';
import type { BlobId, Bytes, ContentKey, GroupId, Hash, KemPk, LogPk, MemberTag, OrganisationPk, Permit, RelayPk, RosterKey, VaultId, VaultKey } from '../../crypto/brand';
import { base64url, concat, fromText, hex, unbase64url } from '../../crypto/bytes';
import { type CarriedNote, type CarriedPart, encodePart, sealNote, signNote } from '../../crypto/carried';
import { type Credential, credentialText, signCredential, signOrganisation, signRequest } from '../../crypto/credential';
import { sealDeviceName, sealDeviceShare } from '../../crypto/device-name';
import { sealDisplay } from '../../crypto/display';
import { envelopeHash, sealEnvelope } from '../../crypto/envelope';
import { commitContent, commitRoster } from '../../crypto/epoch';
import { encodeFromRelay, encodeToRelay, type FromRelay, NO_DETAIL, type ReceiptedEntry, type ToRelay } from '../../crypto/frames';
import { ZERO_HASH } from '../../crypto/hash';
import { encodeLink, inviteKeys, sealAnswer, sealCard, sealRequest } from '../../crypto/invite-secret';
import { LABEL } from '../../crypto/labels';
import { commitTo, encodeMeet, LINK_SECRET, linkCode, linkNumber, meetKeys, type MeetWords, type Opening, sealHalf, sealMeet, sealWords, sessionKey, transcript } from '../../crypto/linking';
import { kemPair, lockboxHash, sealLockbox } from '../../crypto/lockbox';
import { pad, padme } from '../../crypto/padding';
import { newPermit, permitCode, permitHash } from '../../crypto/permit';
import { phraseKeys, phraseToPlaces, sealItem, signPhraseRow } from '../../crypto/phrase';
import { newOrganisation } from '../../crypto/organisation';
import { ARGON, joinNumber, keyNumber, safetyNumber, stretch } from '../../crypto/passphrase';
import { personKeys, signPerson } from '../../crypto/person';
import { encodeReceipt, signDestroyed, signReceipt } from '../../crypto/receipt';
import { decodeEntry, entryHash, ROLE } from '../../crypto/roster/entry';
import { chainHead, encodeState } from '../../crypto/roster/state';
import { sealEdit } from '../../crypto/sealed-edit';
import { ready, type Random } from '../../crypto/sodium';
import { signWant, wantHash } from '../../crypto/want';
import { sealKeys } from '../../crypto/want-answer';
import { CLAIM_WAIT, DESTROY_GRACE } from '../../crypto/roster/rules';
import { type LaneFault, LaneWriter } from '../../src/lib/care/lane';
import { type CareRecord, newId, postIdOf } from '../../src/lib/care/record';
import { localName } from '../../src/lib/core/group-rows';
import { encodeLinkWords, type LinkWords } from '../../src/lib/core/link-words';
import { pack } from '../../src/lib/core/pack';
import type { VaultItem } from '../../src/lib/core/vault-item';
import { cacheKeyOf, sealCache } from '../../src/lib/store/cache-key';
import { aboutPassphrase, encodeHeader, encodePassphraseWrap, PASSPHRASE } from '../../src/lib/vault/header';
import { wrapForPasskey } from '../../src/lib/vault/passkey';
import { WORDS } from '../../src/lib/vault/words';
import { signPair } from '../../crypto/verify';
import { signTurn } from '../../crypto/turn';
import { Writer } from '../../crypto/wire';
import {
  accept, admitEntry, deviceAdd, deviceRevoke, envelope, inviteEntry, joinRequest, leave, makeDevice, makeRelay, nameEntry, newRow, offer, pen, receipt, removeEntry, revokeInviteEntry, rotate, seeded, story, joinEntry, plainEntry } from '../support/actor';

/** Values as JSON shows them: byte arrays as hex, everything else as it is. */
export function show(v: unknown): unknown {
  if (v instanceof Uint8Array) return hex(v as Bytes);
  if (Array.isArray(v)) return v.map(show);
  if (v !== null && typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, show(x)]));
  return v;
}

/** Notes every draw, so that a vector can say what went in. */
function noted(random: Random): { readonly random: Random; drawn(): Bytes } {
  const draws: Bytes[] = [];
  return {
    random: (n) => {
      const b = random(n);
      // its user may wipe it
      draws.push(b.slice());
      return b;
    },
    drawn: () => concat(...draws.splice(0))
  };
}

/** All vectors, by file name. */
export async function vectors(): Promise<Record<string, unknown>> {
  await ready();
  const all = { wire: wire(), labels: labels(), padding: padding(), roster: roster(), envelopes: envelopes(), epochs: epochs(), invites: await invites(), access: access(), bearers: bearers(), blobs: blobs(), frames: frames(), rest: await rest(), phrase: phrase(), permits: permits(), linking: linking(), person: await person(), credentials: await credentials(), carried: carried(), local: await local(), lanes: lanes(), said: said() };
  return Object.fromEntries(Object.entries(all).map(([k, v]) => [k, show(v)]));
}

function wire() {
  const numbers = [0, 1, 127, 128, 255, 300, 16383, 16384, 2097151, 2097152, 2 ** 32 - 1, 2 ** 32, 1_700_000_000_000, 2 ** 49 - 1, 2 ** 49, Number.MAX_SAFE_INTEGER];
  return {
    numbers: numbers.map((value) => ({ value, bytes: new Writer().num(value).done() })),
    refusedNumbers: [
      { why: 'empty', bytes: '' }, { why: 'goes on past the end', bytes: '80' }, { why: 'longer than needed', bytes: '8000' }, { why: 'longer than needed', bytes: 'ff00' },
      { why: '2^53', bytes: '8080808080808010' }, { why: 'nine bytes', bytes: '808080808080808001' }, { why: 'something after it', bytes: '0100' }
    ],
    texts: ['', 'Pat', 'é', '日本', '\uFEFF'].map((value) => ({ value, bytes: new Writer().text(value).done() })),
    refusedTexts: [{ why: 'overlong form', bytes: '02c080' }, { why: 'half a pair', bytes: '03eda080' }, { why: 'cut short', bytes: '0241' }]
  };
}

const labels = () => Object.fromEntries(Object.entries(LABEL).map(([name, bytes]) => [name, { text: new TextDecoder().decode(bytes).slice(0, -1), bytes }]));

const padding = () => ({
  lengths: [0, 1, 255, 256, 257, 300, 511, 512, 513, 1000, 1024, 4097, 65536, 65537, 1_000_000, 67_108_864].map((length) => ({ length, padme: padme(length) })),
  padded: [new Uint8Array(0), fromText('Feeling better today'), new Uint8Array(300).fill(0x61)].map((plain) => ({ plain, padded: pad(plain) }))
});

/** A whole life: every kind of entry, and void ones between. */
function roster() {
  const random = seeded('vectors: roster');
  const [olivia, pat, fay] = [makeDevice(random), makeDevice(random), makeDevice(random)];
  const st = story(random, olivia, 1_700_000_000_000);
  const steps: { kind: string; void: string | null }[] = [{ kind: 'genesis', void: null }];
  const take = (entry: Bytes, keys: Parameters<typeof st.let>[1], time?: number): void => {
    const d = decodeEntry(entry);
    steps.push({ kind: d.ok ? d.value.body.kind : 'unreadable', void: st.let(entry, keys, time) });
  };
  const made = (m: { entry: Bytes; keys: Parameters<typeof st.let>[1] }, time?: number): void => take(m.entry, m.keys, time);
  const first = inviteEntry(random, st.state, olivia, st.now);
  made(first);
  made(admitEntry(random, st.state, olivia, first.invite.invite, newRow(st.group, first.invite, pat), st.keyring()));
  made(nameEntry(random, st.state, olivia, st.now, 'Pat’s Family Treatment Updates'));
  made(rotate(random, st.state, makeDevice(random)));
  const second = inviteEntry(random, st.state, olivia, st.now, { history: 'today' });
  made(second);
  made(admitEntry(random, st.state, pat, second.invite.invite, newRow(st.group, second.invite, fay)));
  made(admitEntry(random, st.state, olivia, second.invite.invite, newRow(st.group, second.invite, fay), st.keyring(st.state.seq + 1)));
  take(new Uint8Array([1, 1, 99, 0]), null);
  const spare = inviteEntry(random, st.state, olivia, st.now);
  made(spare);
  made(revokeInviteEntry(st.state, olivia, spare.invite.invite));
  made(offer(st.state, olivia, fay.member));
  made(offer(st.state, olivia, null));
  made(offer(st.state, olivia, pat.member));
  made(accept(random, st.state, pat));
  made(inviteEntry(random, st.state, olivia, st.now));
  made(leave(st.state, fay, new Map([[hex(fay.logPk), { n: 2, hash: random(32) as Bytes as Hash }]])));
  made(nameEntry(random, st.state, pat, st.now, 'void while a rotation is owed'));
  made(rotate(random, st.state, olivia), st.state.time - 500);
  made(inviteEntry(random, st.state, pat, st.now));
  const [laptop, safe, next] = [makeDevice(random, pat.member), makeDevice(random, pat.member), makeDevice(random, pat.member)];
  made(deviceAdd(random, st.state, pat, laptop, 'ordinary', st.keyring()));
  made(deviceAdd(random, st.state, laptop, safe, 'recovery', st.keyring()));
  made(deviceAdd(random, st.state, pat, next, 'recovery'));
  made(deviceRevoke(random, st.state, laptop, safe.logPk));
  made(deviceAdd(random, st.state, safe, next, 'recovery', st.keyring()));
  made(deviceRevoke(random, st.state, next, pat.logPk, new Map([[hex(pat.logPk), { n: 3, hash: random(32) as Bytes as Hash }]])));
  made(deviceRevoke(random, st.state, laptop, laptop.logPk));
  made(deviceRevoke(random, st.state, next, next.logPk));
  made(removeEntry(random, st.state, next, olivia.member, new Map([[hex(olivia.logPk), { n: 7, hash: random(32) as Bytes as Hash }]])));
  // what roles may do, an invite that opens by itself, a claim that waits, another key, and the end
  const [gil, hal, ivy] = [makeDevice(random), makeDevice(random), makeDevice(random)];
  const plain = (by: typeof next, body: Parameters<typeof plainEntry>[2], time?: number): void => made(plainEntry(st.state, by, body), time);
  const ajar = inviteEntry(random, st.state, next, st.now, { open: true });
  made(ajar);
  made(joinEntry(random, st.state, ajar.invite, gil));
  made(joinEntry(random, st.state, ajar.invite, hal));
  plain(next, { kind: 'role', member: gil.member, roles: ROLE.host | ROLE.successor });
  const third = inviteEntry(random, st.state, gil, st.now, { history: 'today' });
  made(third);
  made(joinEntry(random, st.state, third.invite, hal));
  made(admitEntry(random, st.state, gil, third.invite.invite, newRow(st.group, third.invite, hal)));
  plain(gil, { kind: 'role', member: hal.member, roles: ROLE.representative });
  plain(next, { kind: 'role', member: hal.member, roles: ROLE.representative });
  const fourth = inviteEntry(random, st.state, hal, st.now);
  made(fourth);
  made(admitEntry(random, st.state, hal, fourth.invite.invite, newRow(st.group, fourth.invite, ivy)));
  made(removeEntry(random, st.state, hal, ivy.member));
  plain(hal, { kind: 'claim-owner', on: true });
  plain(gil, { kind: 'claim-owner', on: true });
  plain(next, { kind: 'claim-owner', on: false });
  plain(gil, { kind: 'claim-owner', on: true });
  made(accept(random, st.state, gil, st.state.claim?.seq));
  made(rotate(random, st.state, next));
  made(accept(random, st.state, gil, st.state.claim?.seq), st.state.time + CLAIM_WAIT);
  plain(gil, { kind: 'relay', relayPk: random(32) as RelayPk });
  plain(gil, { kind: 'relay', relayPk: st.relay.pk });
  // Olivia's log ended at 7, the phone of Pat at 3, and who is there still has no cut
  const restate = (by: typeof next, of: typeof next, n: number): void => plain(by, { kind: 'restate-cut', cut: { logPk: of.logPk, n, hash: n === 0 ? ZERO_HASH : (random(32) as Bytes as Hash) } });
  restate(hal, olivia, 5);
  restate(gil, hal, 1);
  restate(gil, olivia, 7);
  restate(gil, olivia, 5);
  restate(gil, olivia, 5);
  restate(gil, olivia, 6);
  restate(gil, olivia, 2);
  restate(gil, pat, 0);
  plain(gil, { kind: 'restate-cut', cut: { logPk: fay.logPk, n: 0, hash: random(32) as Bytes as Hash } });
  plain(gil, { kind: 'upgrade', version: 1 });
  plain(gil, { kind: 'upgrade', version: 2 });
  plain(gil, { kind: 'destroy', on: true });
  plain(gil, { kind: 'destroy', on: false });
  plain(gil, { kind: 'destroy', on: true });
  const last = inviteEntry(random, st.state, gil, st.now, { open: true });
  made(last);
  plain(gil, { kind: 'destroy', on: false }, st.state.time + DESTROY_GRACE);
  return {
    group: st.group,
    relayPk: st.relay.pk,
    devices: { olivia, pat, fay, laptop, safe, next, gil, hal, ivy },
    entries: st.entries.map((e, i) => {
      const d = decodeEntry(e.entry);
      return { ...steps[i], bytes: e.entry, hash: entryHash(e.entry), decoded: d.ok ? d.value : null, receipt: e.receipt, receiptBytes: encodeReceipt(e.receipt) };
    }),
    keys: Object.fromEntries(st.keys),
    state: encodeState(st.state),
    // what a relay signs once it holds nothing of the group any more
    destroyed: encodeReceipt(signDestroyed(st.group, { relayPk: st.relay.pk, incarnation: st.relay.incarnation, seq: st.state.seq, chain: chainHead(st.state), time: st.state.time + 5 }, st.relay.sk))
  };
}

function envelopes() {
  const n = noted(seeded('vectors: envelopes'));
  const pat = makeDevice(n.random);
  const group = n.random(32) as Bytes as GroupId;
  const roster = n.random(32) as Bytes as Hash;
  const key = n.random(32) as ContentKey;
  let prev = ZERO_HASH;
  n.drawn();
  const batch = [
    { blobs: [] as BlobId[], plaintext: fromText('Feeling better today') },
    { blobs: [n.random(32) as Bytes as BlobId, n.random(32) as Bytes as BlobId], plaintext: new Uint8Array(300).fill(0x61) }
  ].map(({ blobs, plaintext }, i) => {
    n.drawn();
    const context = { group, logPk: pat.logPk, prev, roster };
    const header = { n: i + 1, rosterSeq: 5, epoch: 3, blobs };
    const bytes = sealEnvelope(context, header, plaintext, key, pat.logSk, n.random);
    prev = envelopeHash(context, bytes);
    return { context, header, plaintext, random: n.drawn(), bytes, hash: prev };
  });
  return { logSk: pat.logSk, key, envelopes: batch };
}

function epochs() {
  const n = noted(seeded('vectors: epochs'));
  const place = { prev: n.random(32) as Bytes as Hash, seq: 9 };
  const keys = { content: n.random(32) as ContentKey, roster: n.random(32) as RosterKey };
  const kemSeed = n.random(32);
  const kem = kemPair(kemSeed);
  const to = makeDevice(n.random).logPk;
  const keyring = [{ epoch: 1, roster: n.random(32) as RosterKey, content: null }, { epoch: 9, roster: keys.roster, content: keys.content }];
  n.drawn();
  const lockbox = sealLockbox(to, kem.pk, place, keyring, n.random);
  const lockboxRandom = n.drawn();
  const display = fromText('{"name":"Pat"}');
  const sealed = sealDisplay(keys.roster, { ...place, author: to }, display, n.random);
  const displayRandom = n.drawn();
  const asker = makeDevice(n.random);
  const group = n.random(32) as Bytes as GroupId;
  n.drawn();
  const want = signWant(group, { logPk: asker.logPk, spans: [{ first: 1, last: 1 }, { first: 7, last: 9 }] }, asker.logSk);
  const answer = sealKeys(group, wantHash(want), { logPk: asker.logPk, kem: asker.kem.pk }, keyring, n.random);
  return {
    place,
    commitments: { ...keys, contentCommit: commitContent(place, keys.content), rosterCommit: commitRoster(place, keys.roster) },
    lockbox: { to, kemSeed, kem, keyring, random: lockboxRandom, bytes: lockbox, hash: lockboxHash(lockbox) },
    display: { key: keys.roster, author: to, plain: display, random: displayRandom, bytes: sealed },
    want: { group, asker, bytes: want, hash: wantHash(want), answer: { keyring, random: n.drawn(), bytes: answer } }
  };
}

async function invites() {
  const n = noted(seeded('vectors: invites'));
  const group = n.random(32) as Bytes as GroupId;
  const link = { group, seq: 12, chain: n.random(32) as Bytes as Hash, relayPk: n.random(32) as RelayPk, host: 'care.example:8443', secret: n.random(16) };
  const keys = inviteKeys(group, link.secret);
  const [olivia, fay] = [makeDevice(n.random), makeDevice(n.random)];
  n.drawn();
  const card = fromText('{"by":"Olivia","kind":"family"}');
  const sealedCard = sealCard(keys, group, card, n.random);
  const cardRandom = n.drawn();
  const request = joinRequest(n.random, group, keys, fay);
  n.drawn();
  const sealedRequest = sealRequest(group, keys.invite, [{ logPk: olivia.logPk, kem: olivia.kem.pk }], request, n.random);
  const requestRandom = n.drawn();
  const id = n.random(16);
  n.drawn();
  const answer = fromText('{"answer":"refused"}');
  const sealedAnswer = sealAnswer(request.answerKey, group, id, answer, n.random);
  return {
    link: { ...link, fragment: encodeLink(link) },
    keys,
    card: { plain: card, random: cardRandom, bytes: sealedCard },
    request: { reader: { logPk: olivia.logPk, pair: olivia.kem }, request, random: requestRandom, bytes: sealedRequest },
    answer: { id, key: request.answerKey, plain: answer, random: n.drawn(), bytes: sealedAnswer },
    number: { logPk: fay.logPk, kem: fay.kem.pk, digits: await joinNumber(group, keys.invite, fay.logPk, fay.kem.pk) }
  };
}

function access() {
  const random = seeded('vectors: access');
  const log = signPair(random(32));
  const proof = (as: AccessProof['as']): AccessProof => ({ as, host: 'care.example:8443', group: random(32) as Bytes as GroupId, serverNonce: random(32), nonce: random(32) });
  return (['log', 'invite', 'vault', 'meet'] as const).map((as) => {
    const p = proof(as);
    return { key: log.pk, secret: log.sk, proof: p, signature: proveAccess(p, log.sk) };
  });
}

function bearers() {
  const random = seeded('vectors: bearers');
  const relay = signPair(random(32));
  const key = bearerKey(relay.sk);
  return [[1, 1_760_086_400], [70_000, 2 ** 32 - 1]].map(([device = 0, until = 0]) => {
    const b: Bearer = { group: random(32) as Bytes as GroupId, incarnation: 1_760_000_000_123, device, until };
    return { secret: relay.sk, key, ...b, bytes: makeBearer(key, b) };
  });
}

/** The plaintext of a large blob vector: byte i is i mod 251. */
export const counted = (size: number): Bytes => Uint8Array.from({ length: size }, (_, i) => i % 251);

function blobs() {
  const n = noted(seeded('vectors: blobs'));
  return [0, 20, 2 * 1024 * 1024 + 3].map((size) => {
    const { ciphertext, ...ref } = sealBlob(counted(size), n.random);
    return { plain: 'byte i is i mod 251', ref, random: n.drawn(), length: ciphertext.length, ciphertext: size < 1000 ? ciphertext : null, beginning: ciphertext.slice(0, 64), end: ciphertext.slice(-64) };
  });
}

/** One frame of each kind, both ways. */
export function sampleFrames(): { readonly toRelay: ToRelay[]; readonly fromRelay: FromRelay[] } {
  const random = seeded('vectors: frames');
  const group = random(32) as Bytes as GroupId;
  const key = random(32) as LogPk;
  const invite = random(32) as never;
  const [nonce, signature, request] = [random(32), random(64), random(16)];
  const some = (n: number): Bytes => random(n);
  const boxes = [{ to: key, lockbox: some(12) }];
  const hash = random(32) as Bytes as Hash;
  const its = receipt(makeRelay(random, 1_690_000_000_000), group, ZERO_HASH, 1, some(9), 1_700_000_000_000);
  const time = 1_700_000_000_123;
  const old = signPair(new Uint8Array(32).fill(32) as Bytes);
  const fill = (n: number): Bytes => new Uint8Array(n).fill(n);
  return {
    toRelay: [
      { is: 'auth', re: 1, group, as: 'log', key, nonce, signature }, { is: 'create', re: 2, group, genesis: some(10), boxes }, { is: 'append', group, n: 300, envelope: some(20) },
      { is: 'boxes', group, seq: 4, boxes }, { is: 'enter', re: 3, group, seq: 4, entry: some(15) }, { is: 'roster', re: 4, group, after: 2 }, { is: 'lockboxes', re: 5, group, after: 0 },
      { is: 'fetch', re: 6, group, way: 'down', from: 1000, most: 200 }, { is: 'put-card', re: 7, group, invite, card: some(8) }, { is: 'get-card', re: 8, group },
      { is: 'put-request', re: 9, group, request, body: some(9) }, { is: 'drop-request', re: 10, group, request }, { is: 'get-answer', re: 11, group, request }, { is: 'mailbox', re: 12, group },
      { is: 'put-answer', re: 13, group, invite, request, body: some(7) }, { is: 'ping', re: 14 },
      { is: 'put-item', re: 15, group, n: 3, item: some(10) }, { is: 'get-items', re: 16, group, after: 2 }, { is: 'auth', re: 17, group, as: 'vault', key, nonce, signature },
      { is: 'auth', re: 18, group, as: 'meet', key, nonce, signature },
      { is: 'show', re: 23, group, life: 1_690_000_000_000, rosterSeq: 9, chain: hash, n: 7, hash }, { is: 'give-entries', re: 24, group, items: [{ entry: fill(11), receipt: its }] },
      { is: 'give-boxes', re: 25, group, seq: 4, boxes }, { is: 'give', re: 26, group, items: [{ device: 2, n: 7, time, envelope: fill(13) }] },
      { is: 'want', re: 18, group, want: fromText('want') }, { is: 'get-wants', re: 19, group }, { is: 'put-keys', re: 20, group, to: key, want: hash, keys: fromText('keys') }, { is: 'get-keys', re: 21, group, after: 7 },
      { is: 'get-bell', re: 27, group }, { is: 'put-bell', re: 28, group, place: 'https://push.example/w/1' }, { is: 'drop-bell', re: 29, group },
      { is: 'create-by-permit', re: 30, group, permit: fill(14) as Permit, genesis: fill(11), boxes }
    ],
    fromRelay: [
      { is: 'hello', version: 1, relayPk: random(32) as RelayPk, incarnation: 1_690_000_000_000, nonce, time }, { is: 'welcome', re: 1, group, rosterSeq: 9, feedSeq: 1200, head: { n: 7, hash }, bearer: random(32) },
      { is: 'gone', re: 1, group, seq: 8 }, { is: 'entered', re: 3, group, receipt: its }, { is: 'acks', group, items: [{ n: 300, seq: 1201, time }, { n: 301, seq: 1202, time }] },
      { is: 'entries', re: 0, group, items: [{ entry: some(11), receipt: its }], more: false }, { is: 'lockboxes', re: 5, group, items: [{ seq: 4, lockbox: some(12) }], more: true },
      { is: 'page', re: 6, group, items: [{ device: 2, n: 7, seq: 1199, time, envelope: some(13) }], prevs: [{ device: 2, prev: hash }], more: true }, { is: 'card', re: 8, group, card: some(8) },
      { is: 'answer', re: 11, group, request, body: some(7) }, { is: 'requests', re: 12, group, items: [{ invite, request, time, body: some(9) }] }, { is: 'done', re: 7, group },
      { is: 'refused', re: 300, group, why: 'stale', detail: { ...NO_DETAIL, n: 299, hash, fence: 8 } }, { is: 'refused', re: 3, group, why: 'moved', detail: { ...NO_DETAIL, heads: [{ logPk: key, n: 7, hash }] } },
      { is: 'refused', re: 3, group, why: 'void', detail: { ...NO_DETAIL, words: 'not-owner' } }, { is: 'pong', re: 14 },
      { is: 'items', re: 16, group, items: [some(10), some(11)], more: true },
      { is: 'standing', re: 23, group, healing: true, rosterSeq: 9, chain: hash, feed: 1199, heads: [{ device: 2, n: 7, hash }], lacks: [fill(32) as BlobId] },
      { is: 'wants', re: 19, group, items: [{ want: fromText('want'), answers: 2 }] }, { is: 'keys', re: 21, group, items: [{ at: 8, keys: fromText('keys') }], more: true },
      { is: 'destroyed', re: 1, group, receipt: its }, { is: 'turns', turns: [signTurn(old.pk as RelayPk, key as Bytes as RelayPk, old.sk)] },
      { is: 'bell', re: 27, group, key: fill(65) }, { is: 'refused', re: 30, group, why: 'permit', detail: { ...NO_DETAIL, words: 'spent' } }
    ]
  };
}
function frames() {
  const s = sampleFrames();
  return { toRelay: s.toRelay.map((frame) => ({ frame, bytes: encodeToRelay(frame) })), fromRelay: s.fromRelay.map((frame) => ({ frame, bytes: encodeFromRelay(frame) })) };
}

async function rest() {
  const n = noted(seeded('vectors: rest'));
  const vaultKey = n.random(32) as VaultKey;
  const place = { table: 'outbox', key: '7' };
  const salt = n.random(16);
  n.drawn();
  const row = sealRow(rowKeyOf(vaultKey), place, fromText('a record that waits'), n.random);
  const rowRandom = n.drawn();
  const under = await stretch('four quiet green boats', salt, ARGON);
  const about = aboutPassphrase(salt, ARGON);
  const wrapped = wrapVaultKey(under, about, vaultKey, n.random);
  const wrappedRandom = n.drawn();
  const header = encodeHeader({ tries: 2, lastTry: 1_700_000_000_000, wraps: [{ kind: PASSPHRASE, body: encodePassphraseWrap({ salt, argon: ARGON, wrapped }) }], more: new Uint8Array(0) });
  return {
    vaultKey,
    passphrase: { words: 'four quiet green boats', salt, argon: ARGON, key: under },
    wrapped: { about, bytes: wrapped, random: wrappedRandom },
    header: { tries: 2, lastTry: 1_700_000_000_000, bytes: header },
    row: { place, rowKey: rowKeyOf(vaultKey), plain: fromText('a record that waits'), random: rowRandom, bytes: row }
  };
}

/** A person's key, what it says of itself in a group, and the number two persons compare. */
async function person() {
  const n = noted(seeded('vectors: person'));
  const [seed, group, tag, otherSeed] = [n.random(32), n.random(32) as Bytes as GroupId, n.random(16) as Bytes as MemberTag, n.random(32)];
  const [keys, other] = [personKeys(seed), personKeys(otherSeed)];
  return { seed, keys, group, tag, signature: signPerson(keys, group, tag), other: { seed: otherSeed, pk: other.pk }, number: await safetyNumber(keys.pk, other.pk) };
}

/** What an organisation and a person sign, as texts, and how people tell their keys. */
async function credentials() {
  const n = noted(seeded('vectors: credentials'));
  const [name, passphrase] = ['St Anna Hospital', 'five quiet green boats sail'];
  const { keys, file } = await newOrganisation(name, passphrase, n.random, { memory: 64, passes: 2, lanes: 1 });
  const random = n.drawn();
  const person = personKeys(n.random(32));
  const fields: Credential = { organisation: keys.organisation, organisationName: name, person: person.pk, name: 'Olivia Ñúñez', role: 'Ward nurse', from: 1_700_000_000_000, until: 1_715_000_000_000 };
  const [o, q, c] = [signOrganisation(keys, keys.sk), signRequest({ person: person.pk, name: fields.name }, person.sk), signCredential(fields, keys.sk)];
  return {
    organisation: { bytes: o, text: credentialText('organisation', o), sk: keys.sk, number: await keyNumber(keys.organisation) },
    secret: { passphrase, random, bytes: file, text: credentialText('organisation-secret', file) },
    request: { bytes: q, text: credentialText('credential-request', q), sk: person.sk },
    credential: { fields, bytes: c, text: credentialText('credential', c) }
  };
}

/** A part of a history, the note that names it, and the note as it travels. */
function carried() {
  const n = noted(seeded('vectors: carried'));
  const olivia = makeDevice(n.random);
  const s = story(n.random, olivia, 1_700_000_100_000);
  const writer = pen(olivia);
  const first = envelope(n.random, s.state, writer, s.now.content, fromText('sealed words'));
  const part: CarriedPart = { index: 0, entries: s.entries, keys: s.keyring(), envelopes: [{ device: 1, n: 1, time: 1_700_000_200_000, envelope: first }] };
  const blob = sealBlob(encodePart(part), n.random);
  const into = n.random(32) as Bytes as GroupId;
  const content = n.random(32) as Bytes as ContentKey;
  const fork = signReceipt(s.group, { ...(s.entries[0] as ReceiptedEntry).receipt, chain: n.random(32) as Bytes as Hash }, s.relay.sk);
  const { ciphertext: _, ...named } = blob;
  const note: CarriedNote = { group: s.group, entries: 1, keys: 1, envelopes: 1, fork, parts: [named], by: olivia.logPk };
  const bytes = signNote(into, note, olivia.logSk);
  n.drawn();
  const sealed = sealNote(into, content, bytes, n.random);
  return { into, content, part: { decoded: part, bytes: encodePart(part) }, note: { decoded: note, sk: olivia.logSk, bytes }, sealed: { random: n.drawn(), bytes: sealed } };
}

/** Words and bits both ways, the keys they give, and an item sealed to them. */
function phrase() {
  const n = noted(seeded('vectors: phrase'));
  return [new Uint8Array(16) as Bytes, new Uint8Array(16).fill(255) as Bytes, n.random(16)].map((entropy) => {
    const keys = phraseKeys(entropy);
    const places = phraseToPlaces(entropy);
    n.drawn();
    const plain = fromText('what the phrase brings back');
    const item = sealItem({ id: keys.id, kem: keys.kem.pk }, plain, n.random);
    const random = n.drawn();
    const [group, row] = [n.random(32) as Bytes as GroupId, signPair(n.random(32))];
    const said = { group, row: row.pk, rowSk: row.sk, bytes: signPhraseRow(group, { id: keys.id, kem: keys.kem.pk }, row.sk) };
    return { entropy, places, words: { en: places.map((p) => WORDS[p]) }, keys, item: { plain, random, bytes: item }, said };
  });
}

/** Permits as the relay keeps them, and their codes. */
function permits() {
  const random = seeded('vectors: permits');
  return [new Uint8Array(14) as Bytes as Permit, newPermit(random), newPermit(random)].map((permit) => ({ permit, code: permitCode(permit), hash: permitHash(permit) }));
}

/** A meeting as far as the session key, and the name of a device. */
function linking() {
  const n = noted(seeded('vectors: linking'));
  const secret = n.random(LINK_SECRET);
  const keys = meetKeys(secret);
  const seeds = { new: n.random(32), live: n.random(32) };
  const pairs = { new: kemPair(seeds.new), live: kemPair(seeds.live) };
  const relayPk = n.random(32) as RelayPk;
  const ofNew: Opening = { nonce: n.random(32), kem: pairs.new.pk, relayPk, name: 'Laptop' };
  const ofLive: Opening = { nonce: n.random(32), kem: pairs.live.pk, relayPk, name: 'Phone' };
  const t = transcript(keys.id, ofNew, ofLive);
  const halves = { new: n.random(32), live: n.random(32) };
  n.drawn();
  const half = sealHalf(pairs.live.pk, t, 'new', halves.new, n.random);
  const words: MeetWords[] = [
    { is: 'commit', commit: commitTo(ofNew) }, { is: 'answer', opening: ofLive }, { is: 'reveal', opening: ofNew, half },
    { is: 'approve', half: sealHalf(pairs.new.pk, t, 'live', halves.live, n.random) }, { is: 'sealed', sealed: n.random(300) }, { is: 'stop' }
  ];
  const halfRandom = n.drawn();
  const item = sealMeet(keys, 1, 'new', encodeMeet(words[0] as MeetWords), n.random);
  const itemRandom = n.drawn();
  const session = sessionKey(t, halves.new, halves.live);
  const sealed = sealWords(session, keys.id, 5, 'live', fromText('what is said'), n.random);
  const sealedRandom = n.drawn();
  const [group, logPk, seed] = [random32(n) as GroupId, random32(n) as LogPk, random32(n)];
  n.drawn();
  const plain = fromText('{"device":"AAAAAAAAAAAAAAAAAAAAAA","name":"Phone"}');
  return {
    secret, code: linkCode(secret), keys, seeds, halves, t, number: linkNumber(t), session,
    words: words.map((w) => ({ words: w, bytes: encodeMeet(w) })), halfRandom,
    item: { n: 1, side: 'new', random: itemRandom, bytes: item },
    sealed: { n: 5, side: 'live', plain: fromText('what is said'), random: sealedRandom, bytes: sealed },
    device: { seed, group, logPk, plain, bytes: sealDeviceName(seed, group, logPk, plain, n.random), random: n.drawn() }
  };
}
/** What else a device keeps for itself alone. */
async function local() {
  const n = noted(seeded('vectors: local'));
  const vaultKey = n.random(32) as VaultKey;
  const [credential, salt, prf] = [n.random(20), n.random(32), n.random(32)];
  const passkey = { credential, salt, name: 'Pat’s phone' };
  n.drawn();
  const { body } = wrapForPasskey(passkey, prf, vaultKey, n.random);
  const wrapRandom = n.drawn();
  const place = { table: 'page', key: 'g1/000000000004' };
  const plain = fromText('a page of the feed');
  const cached = await sealCache(await cacheKeyOf(vaultKey), place, plain, n.random);
  const cachedRandom = n.drawn();
  const kemSeed = n.random(32);
  return {
    vaultKey,
    passkey: { ...passkey, prf, random: wrapRandom, bytes: body },
    cache: { place, plain, random: cachedRandom, bytes: cached },
    names: { kemSeed, of: [n.random(32), n.random(16)].map((x) => ({ x, name: localName({ kemSeed }, x) })) }
  };
}

/** Updates of a lane: every kind of record, every kind of value, and what is refused. */
function lanes() {
  const n = noted(seeded('vectors: lanes'));
  const DEVICE = 3;
  const EPOCH = 7;
  const here = { device: DEVICE, epoch: EPOCH };
  const id = (at = here): string => newId(at, n.random);
  const b64 = (size: number): string => base64url(n.random(size));
  const blob = (s: number) => ({ b: b64(32), k: b64(32), h: b64(32), s });
  const a = 1_700_000_000_000;
  const post: CareRecord = { i: id(), t: 'post', a, x: 'Feeling better — 好多了', p: [{ full: blob(300_000), thumb: blob(9_000), w: 1600, h: 1200, t: 'image/webp' }], r: `${id()}.${hex(n.random(16))}` };
  const bare: CareRecord = { i: id(), t: 'post', a: 0, x: '' };
  const records: CareRecord[] = [
    post, bare, { i: id(), t: 'edit', a, o: post.i, x: 'Feeling well' }, { i: id(), t: 'retract', a, o: post.i }, { i: id(), t: 'seen', a, m: [[1, 1, 3], [70_000, 2, 2]] },
    { i: id(), t: 'device', a, s: b64(280) }, { i: id(), t: 'person', a, k: b64(32), s: b64(64) }, { i: id(), t: 'credentials', a, c: [b64(200)] }, { i: id(), t: 'credentials', a, c: [] },
    { i: id(), t: 'share', a, s: b64(280) }, { i: id(), t: 'carried', a, b: [b64(32)] }, { i: id(), t: 'carried', a, b: [], s: b64(280) },
    { i: id(), t: 'seen-edits', a, e: [[`${id()}.${hex(n.random(16))}`, id()]] }, { i: id(), t: 'sealed-edit', a, o: post.i, s: b64(280) }
  ];
  const values = [null, true, false, 0, 63, 64, -1, -64, 8191, -70_000, 2 ** 31 - 1, 2 ** 31, 1 - 2 ** 31, 2 ** 53 - 1, 0.5, 0.1, '', 'Ñ', [], {}, [[1, 'a'], { a: null, b: [{}] }]];
  n.drawn();
  const writer = new LaneWriter(DEVICE, EPOCH, n.random);
  const random = n.drawn();
  const { client } = writer;
  const update = (clock: number, of: readonly unknown[]) => ({ device: DEVICE, at: clock === 0 ? null : clock, client, clock, records: of, bytes: writer.write(of as CareRecord[]) });
  const updates = [update(0, [bare]), update(1, records), update(1 + records.length, values)];
  // made by hand, since no writer of ours makes them
  const begun = (value: (w: Writer) => unknown, { count = 1, root = String(client), by = client, end = 0, structs = 1 } = {}): Bytes => {
    const w = new Writer().num(1).num(structs).num(by).num(0).u8(8).num(1).text(root).num(count);
    value(w);
    return w.num(end).done();
  };
  const follows = (clock: number, of: number, origin: number): Bytes => new Writer().num(1).num(1).num(client).num(clock).u8(0x88).num(of).num(origin).num(1).u8(126).num(0).done();
  const nil = (w: Writer): Writer => w.u8(126);
  const deep = (levels: number) => (w: Writer) => {
    for (let i = 0; i < levels; i++) w.u8(117).num(1);
    return nil(w);
  };
  const refused: [why: LaneFault, bytes: Bytes, at?: number | null, device?: number][] = [
    ['malformed', new Uint8Array(0)], ['malformed', begun(nil).slice(0, -1)], ['malformed', concat(begun(nil), new Uint8Array(1))], ['malformed', begun(nil, { structs: 2 })], ['malformed', begun((w) => w, { count: 0 })],
    ['malformed', begun((w) => w.u8(122).fixed(new Uint8Array(8)))], ['malformed', begun((w) => w.u8(116).num(0))], ['malformed', begun((w) => w.u8(118).num(1).text('__proto__').u8(126))],
    ['malformed', begun((w) => w.u8(118).num(1).text('k'.repeat(65)).u8(126))], ['malformed', begun((w) => w.u8(125).fixed(new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1])))],
    ['malformed', begun((w) => w.u8(125).fixed(new Uint8Array([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20])))], ['malformed', begun((w) => w.u8(119).num(2).u8(0xc0).u8(0x80))], ['malformed', begun((w) => w.u8(117).num(20_001))],
    ['malformed', begun(nil, { root: '1'.repeat(33) })], ['too-deep', begun(deep(16))], ['deletes', begun(nil, { end: 1 })],
    ['foreign-client', begun(nil), null, DEVICE + 1], ['foreign-client', begun(nil, { by: 2 ** 32 * DEVICE - 1 })],
    ['gap', begun(nil), 1], ['gap', follows(2, client, 1), 1], ['wrong-root', begun(nil, { root: '1' })], ['wrong-root', follows(2, client + 1, 1), 2], ['wrong-root', follows(2, client, 0), 2],
    ['too-many', begun((w) => w.fixed(new Uint8Array(513).fill(126)), { count: 513 })]
  ];
  const none: readonly unknown[] = [
    null, 'post', [], {}, { ...bare, t: 'plan' }, { i: bare.i, t: 'post', x: '' }, { ...bare, more: 1 }, { ...bare, a: -1 }, { ...bare, a: 0.5 }, { ...bare, i: `${bare.i}A` }, { ...bare, i: `${bare.i.slice(0, -1)}_` },
    { ...bare, x: 7 }, { ...bare, p: null }, { ...bare, r: bare.i }, { ...bare, r: `${bare.i}.${'G'.repeat(32)}` }, { ...bare, r: `${bare.i.slice(0, -1)}_.${'0'.repeat(32)}` }, { ...bare, p: [{ ...post.p?.[0], w: 0 }] }, { ...bare, p: [{ ...post.p?.[0], h: 16_385 }] }, { ...bare, p: [{ ...post.p?.[0], t: 'image/png' }] },
    { ...bare, p: Array.from({ length: 11 }, () => ({})) }, { ...records[2], o: '' }, { ...records[4], m: [] }, { ...records[4], m: [[1, 0, 1]] }, { ...records[4], m: [[1, 1]] }, { ...records[5], s: 'A' }, { ...records[5], s: 'A'.repeat(904) },
    { ...records[6], k: b64(31) }, { ...records[7], c: Array.from({ length: 5 }, () => '') }, { ...records[10], b: ['AA'] },
    { ...records[12], e: [] }, { ...records[12], e: [[bare.i, bare.i]] }, { ...records[12], e: [[post.r]] }, { ...records[13], e: 5 }, { ...records[13], x: '' }
  ];
  const [content, edited] = [n.random(32) as ContentKey, { group: n.random(32) as Bytes as GroupId, author: n.random(16) as Bytes as MemberTag, post: unbase64url(post.i) as Bytes }];
  const [then, later] = [{ ...here, epoch: EPOCH - 1 }, { ...here, epoch: EPOCH + 1 }];
  const named = (i: string): string => postIdOf(i, hex(edited.author));
  const naming = (i: string, edit = i): CareRecord[] => [
    { i: id(), t: 'edit', a, o: i, x: '' }, { i: id(), t: 'sealed-edit', a, o: i, s: b64(280) }, { i: id(), t: 'retract', a, o: i }, { i: id(), t: 'post', a, x: '', r: named(i) },
    { i: id(), t: 'seen-edits', a, e: [[named(id()), id()], [named(i), edit]] }
  ];
  const [most, elsewhere] = [{ device: 2 ** 21 - 1, epoch: 2 ** 32 - 1 }, { ...here, device: DEVICE + 1 }];
  const stands = (at: typeof here, of: readonly CareRecord[], counts: boolean) => of.map((record) => ({ ...at, record, counts }));
  const said = [
    ...stands(here, [...records, ...naming(id(then)), ...naming(id(elsewhere))], true), ...stands(most, [{ ...bare, i: id(most) }], true),
    ...[then, later, elsewhere].flatMap((at) => stands(at, [bare], false)), ...stands(here, [...naming(id(later)), naming(id(), id(later))[4] as CareRecord], false)
  ];
  n.drawn();
  const ids = [here, most, { device: 1, epoch: 1 }].map((at) => ({ ...at, i: id(at), random: n.drawn() }));
  const sealed = sealEdit(content, edited, 'Feeling well — 好多了', n.random);
  return {
    random, updates, ids, said, edit: { content, ...edited, text: 'Feeling well — 好多了', random: n.drawn(), bytes: sealed },
    // within the rules by a little: the deepest, not the fewest bytes, one key twice, nothing at all, a whole number as another
    odd: ([
      [deep(15), Array.from({ length: 15 }).reduce<unknown>((x) => [x], null)], [(w) => w.u8(125).fixed(new Uint8Array([0x81, 0x80, 0])), 1], [(w) => w.u8(118).num(2).text('k').u8(120).text('k').u8(121), { k: false }],
      [(w) => w.u8(127), undefined], [(w) => w.u8(124).fixed(new Uint8Array([0x3f, 0x80, 0, 0])), 1], [(w) => w.u8(125).u8(0x41), -1]
    ] satisfies [(w: Writer) => unknown, unknown][]).map(([value, record]) => ({ device: DEVICE, at: null, client, clock: 0, records: [record], bytes: begun(value) })),
    refused: refused.map(([why, bytes, at = null, device = DEVICE]) => ({ why, device, at, bytes })),
    records: [...records.map((record) => ({ record, counts: true })), ...none.map((record) => ({ record, counts: false }))]
  };
}

/** What devices of one person say to each other, and what an item of a personal vault says. */
function said() {
  const n = noted(seeded('vectors: said'));
  const [seed, group, logPk] = [n.random(32), n.random(32) as Bytes as GroupId, n.random(32) as Bytes as LogPk];
  const phrase = { id: n.random(32) as Bytes as VaultId, sk: n.random(64), kem: n.random(1216) as Bytes as KemPk };
  const offered = { id: group, relayPk: n.random(32) as RelayPk, tag: n.random(16) as Bytes as MemberTag, adder: n.random(32) as Bytes as LogPk };
  const person = { name: 'Pat', role: 'patient', seed, device: n.random(16), deviceName: 'Phone' } as const;
  const credentials = { at: 1_700_000_000_000, c: [n.random(90)] };
  const words: LinkWords[] = [
    { is: 'part', person: { ...person, phrase }, groups: [{ ...offered, recovery: n.random(32) }, { ...offered, recovery: null }], last: false },
    { is: 'part', person: { ...person, phrase: null }, groups: [], last: true },
    { is: 'part', person: null, groups: [], last: true, credentials, organisations: [{ organisation: n.random(32) as Bytes as OrganisationPk, name: 'St Anna Hospital', at: 5 }] },
    { is: 'claims', device: n.random(16), rows: [{ id: group, logPk: n.random(32) as Bytes as LogPk, kem: n.random(1216) as Bytes as KemPk, claim: n.random(64) }] },
    { is: 'end', full: [group] }, { is: 'phrase', phrase, row: n.random(32) as Bytes as LogPk, s: n.random(64) }
  ];
  const items: VaultItem[] = [
    { is: 'profile', name: 'Pat', role: 'patient', seed }, { is: 'group', id: group, relayPk: offered.relayPk, tag: offered.tag, logSeed: n.random(32), kemSeed: n.random(32) }, { is: 'credentials', ...credentials }
  ];
  const plain = encodeLinkWords({ is: 'end', full: [] });
  n.drawn();
  const share = sealDeviceShare(seed, group, logPk, plain, n.random);
  return {
    words: words.map((w) => ({ words: w, bytes: encodeLinkWords(w) })), items: items.map((item) => ({ item, bytes: pack(item) })),
    share: { seed, group, logPk, plain, random: n.drawn(), bytes: share }
  };
}
const random32 = (n: { random: Random }): Bytes => n.random(32);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = dirname(fileURLToPath(import.meta.url));
  mkdirSync(folder, { recursive: true });
  for (const [name, v] of Object.entries(await vectors())) writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(v, null, 1)}\n`);
}
