/**
 * Every decoder under at least 100,000 inputs that were once valid and then broken: each is a total function, takes no more memory than its
 * input is worth, and what it accepts encodes to the very same bytes. What is sealed is broken inside the seal too, as its writer could.
 */
import { readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { beforeAll, describe, expect, it } from 'vitest';
import * as Y from 'yjs';
import decodeQR from 'qr/decode.js';
import { encode as encodeQR } from 'uqr';
import { bearerKey, makeBearer, readBearer } from '../../crypto/bearer';
import { openBlob, sealBlob } from '../../crypto/blob';
import type { BlobId, Bytes, ContentKey, GroupId, Hash, InvitePk, KemPk, LogPk, LogSk, MemberTag, RelayPk, RosterKey } from '../../crypto/brand';
import { base64url, concat, fromText, toText, unbase64url, unhex } from '../../crypto/bytes';
import { decodePart, encodePart, openNote, readNote, signNote } from '../../crypto/carried';
import { credentialBytes, credentialText, readCredential, readOrganisation, readRequest, signCredential, signOrganisation, signRequest } from '../../crypto/credential';
import { openDeviceName, sealDeviceName } from '../../crypto/device-name';
import { openDisplay, sealDisplay } from '../../crypto/display';
import { readEnvelope, writeHeader } from '../../crypto/envelope';
import { decodeFromRelay, decodeToRelay, encodeFromRelay, encodeToRelay } from '../../crypto/frames';
import { hash } from '../../crypto/hash';
import { decodeLink, encodeLink, inviteKeys, openAnswer, openCard, openRequest, sealAnswer, sealCard } from '../../crypto/invite-secret';
import { LABEL } from '../../crypto/labels';
import { readOrganisationSecret } from '../../crypto/organisation';
import { decodeMeet, encodeMeet, LINK_SECRET, linkCode, linkSecret, meetKeys, type MeetWords, openMeet, sealMeet } from '../../crypto/linking';
import { newPermit, permitCode, permitIn } from '../../crypto/permit';
import { encodeKeyring, kemPair, openLockbox, sealTo } from '../../crypto/lockbox';
import { pad } from '../../crypto/padding';
import { openItem, phraseKeys, type VaultWriter } from '../../crypto/phrase';
import { err, ok } from '../../crypto/result';
import { decodeEntry, encodeEntry } from '../../crypto/roster/entry';
import { decodeState, encodeState } from '../../crypto/roster/state';
import { na, ready, type Random } from '../../crypto/sodium';
import { readTurn, signTurn, type Turn, verifyTurn, writeTurn } from '../../crypto/turn';
import { signPair } from '../../crypto/verify';
import { decodeWant, signWant, verifyWant } from '../../crypto/want';
import { openKeys, sealKeys } from '../../crypto/want-answer';
import { decode, Writer } from '../../crypto/wire';
import { createApp } from '../../relay/app';
import { memoryBlobs } from '../../relay/blobs';
import { decodeHint, encodeHint } from '../../relay/hints';
import { RATE } from '../../relay/limits';
import type { Appending, Call } from '../../relay/log';
import { packCalls, packReplies, unpackCalls, unpackReplies } from '../../relay/log-pack';
import type { FeedPost } from '../../src/lib/care/feed';
import { decodePage, encodePage } from '../../src/lib/care/feed-page';
import { checkUpdate, laneDocument, LaneWriter } from '../../src/lib/care/lane';
import { isSaidAt, newId, parseRecord, postIdOf } from '../../src/lib/care/record';
import { parseCard } from '../../src/lib/core/join';
import { encodeLinkWords, type LinkWords, parseLinkWords } from '../../src/lib/core/link-words';
import { pack } from '../../src/lib/core/pack';
import { parseVaultItem } from '../../src/lib/core/vault-item';
import { memoryDevice } from '../../src/lib/store/memory';
import { decodeHeader, decodePassphraseWrap, encodeHeader, encodePassphraseWrap } from '../../src/lib/vault/header';
import { createVault, unlockVault } from '../../src/lib/vault/vault';
import { makeDevice, seeded } from '../support/actor';
import { type Of, rhea, Scene } from '../unit/relay/phone';
import { type Any, isRecord as naiveIsRecord, isSaid as naiveIsSaid, update as naiveUpdate, Void } from '../vectors/naive/lanes';
import { broken, type Draw, drawing } from '../support/fuzz';
import { entry as naiveEntry, frame as naiveFrame, FROM_RELAY, NOTE, PART, signedText, TO_RELAY } from '../vectors/naive/formats';
import { whole } from '../vectors/naive/words';

const MANY = 100_000;
/** One input of so many is weighed: what it makes a decoder take, in bytes, beside what its own length is worth. */
const WEIGHED = 8;
const MEMORY = 4 * 1024 * 1024;
const inUse = (): number => {
  const h = getHeapStatistics();
  return h.used_heap_size + h.external_memory;
};
type Json = { readonly [k: string]: Json } & readonly Json[] & string;
const disk = (name: string): Json => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8')) as Json;
const u = (v: unknown): Bytes => unhex(v as string) as Bytes;
const all = (v: unknown): Bytes[] => (v as readonly { readonly bytes: string }[]).map((x) => u(x.bytes));

let random: Random;
let group: GroupId;
beforeAll(async () => {
  await ready();
  random = seeded('fuzz');
  group = random(32) as GroupId;
  // the slow lattice is asked once for the same ciphertext
  const sodium = na() as { crypto_kem_xwing_dec: (ct: Uint8Array, sk: Uint8Array) => Uint8Array };
  const real = sodium.crypto_kem_xwing_dec;
  sodium.crypto_kem_xwing_dec = (ct, sk) => {
    const there = known.find((k) => same(k.ct, ct));
    if (there === undefined) return real(ct, sk);
    there.shared ??= real(ct, sk);
    return there.shared;
  };
});

const known: { readonly ct: Uint8Array; shared: Uint8Array | null }[] = [];
/** The lattice part of this box is asked once. */
const remember = (box: Bytes, at = 0): void => void known.push({ ct: box.slice(at, at + 1120), shared: null });

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Feeds `runs` broken inputs; `take` says whether one was accepted, and throws when it should not have been. Both ends must occur. */
function feed(corpus: readonly Bytes[], seed: number, take: (b: Bytes, draw: Draw, i: number) => boolean, runs = MANY): void {
  const draw = drawing(seed);
  let taken = 0;
  for (let i = 0; i < runs; i++) {
    const b = broken(corpus, draw);
    const isWeighed = i % WEIGHED === 0;
    const before = isWeighed ? inUse() : 0;
    let accepted: boolean;
    try {
      accepted = take(b, draw, i);
      // a collection meanwhile only hides what was taken
      if (isWeighed && inUse() - before > MEMORY + 64 * b.length) throw new Error('it took more memory than its input is worth');
    } catch (e) {
      throw new Error(`input ${i}: ${Buffer.from(b.subarray(0, 400)).toString('hex')}`, { cause: e });
    }
    if (accepted) taken++;
  }
  expect(taken).toBeGreaterThan(runs / 100);
  expect(taken).toBeLessThan(runs);
}
/** For decoders with one encoding: what is accepted comes back as it was. */
const canonical = <T>(decode: (b: Bytes) => { readonly ok: true; readonly value: T } | { readonly ok: false }, encode: (v: T) => Uint8Array) => (b: Bytes): boolean => {
  const d = decode(b);
  if (d.ok && !same(encode(d.value), b)) throw new Error('it was accepted and encodes to other bytes');
  return d.ok;
};
/** The second decoder says the same, asked now and then since it is slow. */
const seconded = (take: (b: Bytes) => boolean, naive: (b: Buffer) => unknown, within: (b: Bytes) => boolean) => (b: Bytes, _: Draw, i: number): boolean => {
  const mine = take(b);
  if (i % 10 > 0) return mine;
  let other = within(b);
  try {
    naive(Buffer.from(b));
  } catch {
    other = false;
  }
  // the second one knows no limit on what a field may hold
  if (mine && !other) throw new Error('the second decoder refuses it');
  return mine;
};
const always = (): boolean => true;
/** Why the second decoder finds an update of device 3 void; null when it does not. */
function naiveFault(b: Bytes): string | null {
  try {
    naiveUpdate(Buffer.from(b), 3, null);
    return null;
  } catch (e) {
    if (!(e instanceof Void)) throw e;
    return e.message;
  }
}

describe('a broken one of 100,000 never throws, and what is accepted is canonical:', () => {
  it('frames to the relay', () => {
    feed(all(disk('frames')['toRelay']), 1, seconded(canonical(decodeToRelay, encodeToRelay), (b) => naiveFrame(TO_RELAY, b), always));
  });

  it('frames from the relay', () => {
    feed(all(disk('frames')['fromRelay']), 2, seconded(canonical(decodeFromRelay, encodeFromRelay), (b) => naiveFrame(FROM_RELAY, b), always));
  });

  it('envelopes', () => {
    feed(all(disk('envelopes')['envelopes']), 3, canonical(readEnvelope, (e) => concat(writeHeader(e.header), e.nonce, e.sealed, e.signature)));
  });

  it('roster entries', () => {
    feed(all(disk('roster')['entries']), 4, seconded(canonical(decodeEntry, encodeEntry), naiveEntry, always));
  });

  it('kept states of a roster', () => {
    feed([u(disk('roster')['state'])], 5, canonical(decodeState, encodeState), 20_000);
  });

  it('lockboxes, and keyrings that were sealed by whoever may', () => {
    const pair = kemPair(random(32));
    const to = random(32) as LogPk;
    const place = { prev: random(32), seq: 9 } as Parameters<typeof openLockbox>[2];
    const at = { label: LABEL.lockboxKey, place: new Writer().fixed(place.prev).num(place.seq).fixed(to).done() };
    const item = (epoch: number, content: boolean): Bytes => concat(new Writer().num(epoch).fixed(random(32)).bool(content).done(), content ? random(32) : new Uint8Array(0));
    const keyring = concat(new Writer().num(3).done(), item(1, false), item(5, true), item(9, true));
    // one encapsulation for all: the same draws give the same ciphertext
    const fixed = random(200);
    const first = sealTo(pair.pk, at, keyring, (n) => fixed.slice(0, n));
    remember(first);
    const shared = hash(at.label, na().crypto_kem_xwing_dec(first.slice(0, 1120), pair.sk), first.slice(0, 1120), pair.pk, at.place);
    const nonce = fixed.slice(0, 24);
    const reseal = (plain: Bytes): Bytes => concat(first.slice(0, 1120), nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(plain, at.place, null, nonce, shared));
    expect(same(reseal(keyring), first)).toBe(true);
    const write = (k: readonly { readonly epoch: number; readonly roster: Bytes; readonly content: Bytes | null }[]): Bytes =>
      new Writer().list(k, (x, w) => (x.content === null ? w.num(x.epoch).fixed(x.roster).bool(false) : w.num(x.epoch).fixed(x.roster).bool(true).fixed(x.content))).done();
    feed([keyring, concat(new Writer().num(1).done(), item(9, true))], 6, (plain) => {
      const d = openLockbox(to, pair, place, reseal(plain));
      if (d.ok && !same(write(d.value), plain)) throw new Error('another keyring');
      return d.ok;
    });
    const outside = drawing(60);
    for (let i = 0; i < MANY; i++) {
      const box = broken([first], outside);
      // a broken ciphertext is a new one for the slow lattice: those are 3,000
      const cheap = i % 33 === 0 || box.length < 1160 ? box : concat(first.slice(0, 1120), box.slice(1120));
      if (openLockbox(to, pair, place, cheap).ok && !same(cheap, first)) throw new Error('a changed lockbox opened');
    }
  });

  it('cards, and the words inside them', () => {
    const keys = inviteKeys(group, random(16));
    const plain = fromText(JSON.stringify({ inviter: 'Olivia', inviterRole: 'clinician', kind: 'family', inside: { clinician: 1, patient: 0, family: 2 }, relationship: 'Aunt', history: 'start', expires: 5 }));
    const card = sealCard(keys, group, plain, random);
    feed([card], 7, (b) => {
      const d = openCard(keys, group, b);
      if (d.ok && !(same(b, card) && same(d.value, plain))) throw new Error('a changed card opened');
      return d.ok;
    });
    feed([plain], 34, (b) => parseCard(b) !== null);
  });

  it('answers', () => {
    const key = random(32);
    const id = random(16);
    const answer = sealAnswer(key, group, id, fromText('{"refused":true}'), random);
    feed([answer], 8, (b) => {
      const d = openAnswer(key, group, id, b);
      if (d.ok && !same(b, answer)) throw new Error('a changed answer opened');
      return d.ok;
    });
  });

  it('requests, and what a joiner could put into one', () => {
    const v = disk('invites') as unknown as { readonly link: { readonly group: string }; readonly keys: { readonly invite: string }; readonly request: { readonly bytes: string; readonly reader: { readonly logPk: string; readonly pair: { readonly pk: string; readonly sk: string } } } };
    const there = u(v.link.group) as GroupId;
    const invite = u(v.keys.invite) as InvitePk;
    const reader = { logPk: u(v.request.reader.logPk) as LogPk, pair: kemPair(u(v.request.reader.pair.sk)) };
    const bytes = u(v.request.bytes);
    // count, log key, length of the box
    remember(bytes, 1 + 32 + 2);
    let changed = 0;
    feed([bytes], 9, (b, _, i) => {
      // likewise: the lattice is asked for a new ciphertext in one of thirty
      const cheap = i % 30 === 0 || b.length < 1160 ? b : concat(bytes.slice(0, 1157), b.slice(1157));
      const d = openRequest(there, invite, reader, cheap);
      if (d.ok && !same(cheap, bytes)) changed++;
      return d.ok;
    });
    // more than one reader may be listed, the rest is sealed
    expect(changed).toBeLessThan(MANY / 50);
    const known = openRequest(there, invite, reader, bytes);
    if (!known.ok) throw new Error(known.fault);
    const { row, display, answerKey } = known.value;
    const inner = concat(row.member, row.logPk, row.kem, row.claim, row.redeem, new Writer().bytes(display).done(), answerKey);
    const secret = random(32);
    const nonce = random(24);
    const boxed = sealTo(reader.pair.pk, { label: LABEL.requestKey, place: concat(there, invite, reader.logPk) }, secret, random);
    remember(boxed);
    const front = new Writer().list([0], (_, w) => w.fixed(reader.logPk).bytes(boxed)).done();
    const about = concat(LABEL.request, there, invite);
    const opened = (plain: Bytes): ReturnType<typeof openRequest> => {
      const sealed = concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plain), about, null, nonce, secret));
      return openRequest(there, invite, reader, concat(front, new Writer().bytes(sealed).done()));
    };
    feed([inner], 10, (plain) => {
      const d = opened(plain);
      if (d.ok && !same(d.value.row.kem, row.kem)) throw new Error('a row that nobody signed');
      return d.ok;
    }, 5_000);
    // any signature holds, so that all around them is judged
    const sodium = na() as { crypto_sign_verify_detached: (s: Uint8Array, m: Uint8Array, pk: Uint8Array) => boolean };
    const real = { ...sodium };
    try {
      Object.assign(sodium, { crypto_sign_verify_detached: () => true });
      feed([inner], 27, (plain) => {
        const d = opened(plain);
        if (!d.ok) return false;
        const { row: r } = d.value;
        if (!same(concat(r.member, r.logPk, r.kem, r.claim, r.redeem, new Writer().bytes(d.value.display).done(), d.value.answerKey), plain)) throw new Error('it was accepted and encodes to other bytes');
        return true;
      });
    } finally {
      Object.assign(sodium, real);
    }
  });

  it('links, as bytes and as text', () => {
    const fragment = (disk('invites') as unknown as { readonly link: { readonly fragment: string } }).link.fragment;
    feed([unbase64url(fragment) as Bytes], 11, (b) => {
      const text = base64url(b);
      const d = decodeLink(text);
      if (d.ok && encodeLink(d.value) !== text) throw new Error('another link');
      return d.ok;
    });
    feed([fromText(fragment), fromText(`#${fragment}`), fromText(` #${fragment}\n`), fromText('#')], 12, (b) => {
      const text = toText(b) ?? Buffer.from(b).toString('latin1');
      const d = decodeLink(text);
      if (d.ok && !text.includes(encodeLink(d.value))) throw new Error('another link');
      return d.ok;
    }, 20_000);
  });

  it('display data, and the JSON that its author could seal', () => {
    const key = random(32) as RosterKey;
    const place = { prev: random(32), seq: 3, author: random(32) } as Parameters<typeof openDisplay>[1];
    const plain = fromText('{"group":{"name":"Pat’s Updates","kind":"family"},"person":{"name":"Olivia","role":"clinician","relationship":""}}');
    const sealed = sealDisplay(key, place, plain, random);
    feed([sealed], 13, (b) => {
      const d = openDisplay(key, place, b);
      if (d.length > 0 && !same(b, sealed)) throw new Error('changed display data opened');
      return d.length > 0;
    });
  });

  it('updates of a lane: what is taken is what Yjs itself reads, in one array, and each record is one or is passed over', () => {
    const w = new LaneWriter(3, 7, random);
    const id = newId({ device: 3, epoch: 7 }, random);
    const good = [
      w.write([{ i: id, t: 'post', a: 1, x: 'words', r: postIdOf(id, 'f'.repeat(32)) }, { i: id, t: 'retract', a: 2, o: id }]),
      new LaneWriter(3, 7, random).write([{ i: id, t: 'seen', a: 1, m: [[1, 2, 3], [4, 5, 6]] }]),
      new LaneWriter(3, 7, random).write([{ i: id, t: 'post', a: 1, x: 'a', p: [{ full: { b: 'A'.repeat(43), k: 'A'.repeat(43), h: 'A'.repeat(43), s: 9 }, thumb: { b: 'A'.repeat(43), k: 'A'.repeat(43), h: 'A'.repeat(43), s: 9 }, w: 1, h: 1, t: 'image/webp' }] }])
    ];
    // what Yjs can say and a lane must not: maps, text, nested types, bytes, deletions, the other encoding
    const alien = new Y.Doc();
    alien.clientID = 3 * 2 ** 32 + 5;
    alien.getMap('m').set('k', [1, { a: 'b' }]);
    alien.getText('t').insert(0, 'text');
    alien.getArray('a').push([1, new Y.Map(), new Uint8Array(3)]);
    alien.getArray('a').delete(0, 1);
    feed([...good, ...good, Y.encodeStateAsUpdate(alien).slice(), Y.encodeStateAsUpdateV2(alien).slice()], 14, (b, _, i) => {
      const d = checkUpdate(b, 3, () => undefined);
      // the second decoder says the same, to the word: who differs splits a group
      if (i % 10 === 0 && naiveFault(b) !== (d.ok ? null : d.fault)) throw new Error(`the second decoder says ${naiveFault(b)}`);
      if (!d.ok) return false;
      const doc = laneDocument([b]);
      if (doc.store.pendingStructs !== null || doc.share.size !== 1) throw new Error('more than it said');
      if (JSON.stringify(doc.getArray(String(d.value.client)).toJSON()) !== JSON.stringify(d.value.records)) throw new Error('Yjs reads other records');
      for (const x of d.value.records) {
        const r = parseRecord(x);
        if ((r !== null) !== naiveIsRecord(x as Any)) throw new Error('the second decoder differs on a record');
        if (r !== null && isSaidAt(r, { device: 3, epoch: 7 }) !== naiveIsSaid(x as Any, 3, 7)) throw new Error('the second decoder differs on where a record may stand');
      }
      doc.destroy();
      return true;
    });
  });

  it('items of a personal vault, and what may be sealed into one', () => {
    const keys = phraseKeys(random(16));
    const profile = pack({ is: 'profile', name: 'Olivia', role: 'clinician' });
    const row = pack({ is: 'group', id: random(32), relayPk: random(32), tag: random(16), logSeed: random(32), kemSeed: random(32) });
    feed([profile, row], 15, (b) => parseVaultItem(b) !== null);
    const place = { label: LABEL.vaultItem, place: concat(LABEL.vaultItem, keys.id) };
    const item = sealTo(keys.kem.pk, place, pad(profile), random);
    remember(item);
    feed([item], 16, (b, _, i) => {
      const cheap = i % 30 === 0 || b.length < 1160 ? b : concat(item.slice(0, 1120), b.slice(1120));
      const d = openItem(keys, cheap);
      if (d.ok && !same(cheap, item)) throw new Error('a changed item opened');
      return d.ok;
    }, 20_000);
  });

  it('what organisations and persons sign, as bytes signed anew by whoever broke them and as text, and the file of a key', () => {
    const v = disk('credentials') as unknown as Readonly<Record<'organisation' | 'secret' | 'request' | 'credential', { readonly bytes: string; readonly text: string }>>;
    const signed = [v.organisation, v.request, v.credential].map((x) => u(x.bytes));
    // any signature holds, so that what stands before it is what is judged
    const sodium = na() as { crypto_sign_verify_detached: (s: Uint8Array, m: Uint8Array, pk: Uint8Array) => boolean; crypto_sign_detached: (m: Uint8Array, sk: Uint8Array) => Uint8Array };
    const real = { ...sodium };
    const NONE = new Uint8Array(64) as Bytes;
    try {
      Object.assign(sodium, { crypto_sign_verify_detached: () => true, crypto_sign_detached: () => NONE });
      const cut = <T>(read: (b: Bytes) => { readonly ok: true; readonly value: T } | { readonly ok: false }, write: (value: T, sk: Bytes) => Bytes, kind: string) =>
        seconded((b) => {
          const d = read(b);
          if (d.ok && !same(write(d.value, NONE).subarray(0, -64), b.subarray(0, -64))) throw new Error('it was accepted and encodes to other bytes');
          return d.ok;
        }, (b) => signedText(kind, b), always);
      const readers = [cut(readCredential, signCredential, 'credential'), cut(readOrganisation, signOrganisation, 'organisation'), cut(readRequest, signRequest, 'credential-request')];
      feed(signed, 25, (b, draw, i) => readers.map((take) => take(b, draw, i)).includes(true));
    } finally {
      Object.assign(sodium, real);
    }
    feed([u(v.secret.bytes)], 26, (b) => {
      const d = readOrganisationSecret(b);
      if (d.ok && !same(concat(d.value.about, d.value.sealed), b)) throw new Error('it was accepted and is other bytes');
      return d.ok;
    }, 20_000);
    feed(Object.values(v).map((x) => fromText(x.text)), 27, (b) => {
      const text = Buffer.from(b).toString('latin1');
      const d = credentialBytes(text);
      if (d !== null && credentialText(d.kind, d.bytes) !== text.replace(/\s/g, '')) throw new Error('it was accepted and is another text');
      return d !== null;
    });
  });

  it('headers of a vault whose sum was made right again, and the wraps in them', () => {
    const header = u((disk('rest') as unknown as { readonly header: { readonly bytes: string } }).header.bytes);
    const body = header.slice(0, -32);
    feed([body], 17, (b) => canonical(decodeHeader, encodeHeader)(concat(b, hash(LABEL.vaultHeader, b))));
    const first = decodeHeader(header);
    if (!first.ok) throw new Error(first.fault);
    feed([first.value.wraps[0]?.body as Bytes], 18, canonical(decodePassphraseWrap, encodePassphraseWrap), 20_000);
  });

  it('wants', () => {
    const log = signPair(random(32));
    const want = (...spans: { first: number; last: number }[]): Bytes => signWant(group, { logPk: log.pk as LogPk, spans }, log.sk as LogSk);
    feed([want({ first: 1, last: 1 }), want({ first: 3, last: 9 }, { first: 200, last: 70_000 })], 25, (b, _, i) => {
      const d = decodeWant(b);
      if (!d.ok) return false;
      const { logPk, spans, signature } = d.value;
      if (!same(new Writer().u8(1).fixed(logPk).list(spans, (s, w) => w.num(s.first).num(s.last)).fixed(signature).done(), b)) throw new Error('it was accepted and encodes to other bytes');
      // a signature is slow: every tenth is looked at
      if (i % 10 === 0 && verifyWant(group, d.value) && !same(want(...spans), b)) throw new Error('a want that nobody signed');
      return true;
    });
  });

  it('answers to wants, and the keyrings in them', () => {
    const to = { logPk: random(32) as LogPk, kem: kemPair(random(32)) };
    const want = hash(LABEL.wantHash, random(9));
    const about = { label: LABEL.wantKey, place: concat(group, want, to.logPk) };
    const keyring = [{ epoch: 2, roster: random(32) as RosterKey, content: null }, { epoch: 7, roster: random(32) as RosterKey, content: random(32) as ContentKey }];
    const fixed = random(200);
    const first = sealKeys(group, want, { logPk: to.logPk, kem: to.kem.pk }, keyring, (n) => fixed.slice(0, n));
    remember(first);
    const shared = hash(about.label, na().crypto_kem_xwing_dec(first.slice(0, 1120), to.kem.sk), first.slice(0, 1120), to.kem.pk, about.place);
    const reseal = (plain: Bytes): Bytes => concat(first.slice(0, 1120), fixed.slice(0, 24), na().crypto_aead_xchacha20poly1305_ietf_encrypt(plain, about.place, null, fixed.slice(0, 24), shared));
    expect(same(reseal(encodeKeyring(keyring)), first)).toBe(true);
    feed([encodeKeyring(keyring)], 26, (plain) => {
      const d = openKeys(group, want, to, reseal(plain));
      if (d.ok && !same(encodeKeyring(d.value), plain)) throw new Error('another keyring');
      return d.ok;
    }, 20_000);
    feed([first], 27, (b, _, i) => {
      const cheap = i % 500 === 0 ? b : concat(first.slice(0, 1120), b.slice(1120));
      const d = openKeys(group, want, to, cheap);
      if (d.ok && !same(cheap, first)) throw new Error('a changed answer opened');
      return d.ok;
    });
  });

  it('codes to link a device, however they are typed', () => {
    const secret = random(LINK_SECRET);
    const code = linkCode(secret);
    feed([code, code.toLowerCase().replaceAll('-', ' '), code.replaceAll('0', 'O').replaceAll('1', 'l')].map(fromText), 28, (b) => {
      const read = linkSecret(toText(b) ?? Buffer.from(b).toString('latin1'));
      if (read !== null && !same(linkSecret(linkCode(read)) as Bytes, read)) throw new Error('another code');
      return read !== null;
    });
  });

  it('codes of permits, however they are typed', () => {
    const code = permitCode(newPermit(random));
    feed([code, code.toLowerCase().replaceAll('-', ' '), code.replaceAll('0', 'O').replaceAll('1', 'l')].map(fromText), 41, (b) => {
      const read = permitIn(toText(b) ?? Buffer.from(b).toString('latin1'));
      if (read !== null && !same(permitIn(permitCode(read)) as Bytes, read)) throw new Error('another code');
      return read !== null;
    }, 20_000);
  });

  it('what is said at a meeting, and the items that carry it', () => {
    const keys = meetKeys(random(LINK_SECRET));
    const opening = { nonce: random(32), kem: random(1216) as KemPk, relayPk: random(32) as RelayPk, name: 'Pat’s laptop' };
    const words: MeetWords[] = [
      { is: 'stop' }, { is: 'commit', commit: random(32) as Hash }, { is: 'answer', opening }, { is: 'reveal', opening, half: random(1192) }, { is: 'approve', half: random(1192) }, { is: 'sealed', sealed: random(90) }
    ];
    feed(words.map(encodeMeet), 29, canonical(decodeMeet, encodeMeet));
    const item = sealMeet(keys, 2, 'live', encodeMeet({ is: 'sealed', sealed: random(90) }), random);
    feed([item], 30, (b) => {
      const d = openMeet(keys, 2, b);
      if (d.ok && !same(b, item)) throw new Error('a changed item opened');
      return d.ok;
    });
  });

  it('what two devices say once they share a key', () => {
    const phrase = { id: random(32), sk: random(64), kem: random(1216) } as VaultWriter;
    const offered = { id: group, relayPk: random(32) as RelayPk, tag: random(16) as MemberTag, adder: random(32) as LogPk, recovery: random(32) };
    const words: LinkWords[] = [
      { is: 'part', person: { name: 'Pat', role: 'patient', seed: random(32), device: random(16), deviceName: 'Phone', phrase }, groups: [offered, { ...offered, recovery: null }], last: false },
      { is: 'part', person: null, groups: [], last: true },
      { is: 'claims', device: random(16), rows: [{ id: group, logPk: random(32) as LogPk, kem: random(1216) as KemPk, claim: random(64) }] },
      { is: 'end', full: [group] },
      { is: 'phrase', phrase, row: random(32) as LogPk, s: random(64) }
    ];
    feed(words.map(encodeLinkWords), 31, (b) => {
      const read = parseLinkWords(b);
      if (read === null) return false;
      const bytes = encodeLinkWords(read);
      const again = parseLinkWords(bytes);
      if (again === null || !same(encodeLinkWords(again), bytes)) throw new Error('other words');
      return true;
    });
  });

  it('what a device calls itself, and hints between relays', () => {
    const [seed, logPk] = [random(32), random(32) as LogPk];
    const plain = fromText('Pat’s phone');
    const sealed = sealDeviceName(seed, group, logPk, plain, random);
    feed([sealed], 32, (b) => {
      const d = openDeviceName(seed, group, logPk, b);
      if (d.ok && !(same(b, sealed) && same(d.value, plain))) throw new Error('a changed name opened');
      return d.ok;
    });
    const hints = [{ g: 7, held: [], until: 0 }, { g: 70_000, held: [1, 2, 300], until: 1_760_000_000_000 }].map((h) => encodeHint(h).slice());
    feed(hints, 33, (b) => {
      const hint = decodeHint(b);
      if (hint !== null && !same(encodeHint(hint), b)) throw new Error('another hint');
      return hint !== null;
    });
  });
});

describe('a broken one of 100,000 of what came later never throws, and what is accepted is canonical:', () => {
  it('parts of a history, and the note that names them, signed anew by whoever broke it and as it was sealed', () => {
    const v = disk('carried') as unknown as { readonly into: string; readonly content: string; readonly part: { readonly bytes: string }; readonly note: { readonly bytes: string }; readonly sealed: { readonly bytes: string } };
    const [into, first, sealed] = [u(v.into) as GroupId, u(v.content) as ContentKey, u(v.sealed.bytes)];
    const one = decodePart(u(v.part.bytes));
    if (!one.ok) throw new Error(one.fault);
    const { entries, keys, envelopes } = one.value;
    // three of each kind, small enough that what is broken is often what stands around them
    const few = encodePart({
      index: 3, entries: entries.map((e) => ({ ...e, entry: random(20) })), keys: [...keys, { epoch: 300, roster: random(32) as RosterKey, content: null }], envelopes: [1, 2, 3].flatMap((n) => envelopes.map((e) => ({ ...e, n, envelope: random(9) })))
    });
    feed([u(v.part.bytes), few, few, few, few, few, encodePart({ index: 0, entries: [], keys: [], envelopes: [] })], 42, seconded(canonical(decodePart, encodePart), (b) => whole(PART, b), always));
    const sodium = na() as { crypto_sign_verify_detached: (s: Uint8Array, m: Uint8Array, pk: Uint8Array) => boolean; crypto_sign_detached: (m: Uint8Array, sk: Uint8Array) => Uint8Array };
    const real = { ...sodium };
    const NONE = new Uint8Array(64) as Bytes;
    const bare = readNote(into, u(v.note.bytes));
    if (!bare.ok) throw new Error(bare.fault);
    const small = signNote(into, { ...bare.value, fork: null, parts: [] }, NONE as LogSk);
    try {
      Object.assign(sodium, { crypto_sign_verify_detached: () => true, crypto_sign_detached: () => NONE });
      feed([u(v.note.bytes), small], 43, seconded((b) => {
        const d = readNote(into, b);
        if (d.ok && !same(signNote(into, d.value, NONE as LogSk).subarray(0, -64), b.subarray(0, -64))) throw new Error('it was accepted and encodes to other bytes');
        return d.ok;
      }, (b) => whole(NOTE, b.subarray(0, -64)), always));
    } finally {
      Object.assign(sodium, real);
    }
    feed([sealed], 44, (b) => {
      const d = openNote(into, first, b);
      if (d.ok && !same(b, sealed)) throw new Error('a changed note opened');
      return d.ok;
    }, 20_000);
  });

  it('pages of the feed as a device keeps them, of this build and of an earlier one', () => {
    const [olivia, pat] = ['0a'.repeat(16), '0b'.repeat(16)];
    const photo = { full: { b: 'b', k: 'k', h: 'h', s: 3 }, thumb: { b: 'c', k: 'k', h: 'h', s: 1 }, w: 4, h: 3, t: 'image/jpeg' as const };
    const post = (i: number, member: string, text: string, more: Partial<FeedPost> = {}): FeedPost => ({ id: postIdOf(`id${i}`, member), member, order: i, device: 1, n: i, seq: i, time: 1_700_000_000_000 + i, epoch: 1, at: 5, text, photos: [], replyTo: null, ...more });
    const posts = [post(1, olivia, 'words'), post(2, pat, 'Grüße ✓ 🙂', { photos: [photo] }), post(3, olivia, '', { order: 2.5, replyTo: postIdOf('id1', olivia) })];
    const earlier = { who: [olivia], by: [0, 0], device: [1, 1], n: [1, 2], seq: [1, 2], time: [5, 6], epoch: [1, 1], id: ['id1', 'id2'], order: [5, 6.5], at: [3, 4], text: ['one', 'zwei ✓'], photos: {}, replyTo: { 1: postIdOf('id1', olivia) } };
    const first = encodePage(posts);
    expect(decodePage(first)).toEqual(posts);
    feed([first, encodePage(posts.slice(0, 1)), encodePage([]), fromText(JSON.stringify(earlier))], 45, (b) => {
      const page = decodePage(b);
      if (page === null) return false;
      if (!page.every((p) => p.id.endsWith(`.${p.member}`) && typeof p.text === 'string' && typeof p.order === 'number' && Array.isArray(p.photos))) throw new Error('no posts');
      const bytes = encodePage(page);
      const again = decodePage(bytes);
      if (again === null || !same(encodePage(again), bytes)) throw new Error('it comes back as another page');
      return true;
    });
  });

  it('turns of a relay’s key, and bearers that relays of one store make', () => {
    const [old, now] = [signPair(random(32)), signPair(random(32))];
    const turn = signTurn(old.pk as Bytes as RelayPk, now.pk as Bytes as RelayPk, old.sk);
    const written = (t: Turn): Bytes => {
      const w = new Writer();
      writeTurn(t, w);
      return w.done();
    };
    const right = written(turn);
    feed([right], 46, (b, _, i) => {
      const d = decode(b, readTurn);
      if (!d.ok) return false;
      if (!same(written(d.value), b)) throw new Error('another turn');
      // a signature is slow: every tenth is looked at
      if (i % 10 === 0 && verifyTurn(d.value) && !same(b, right)) throw new Error('a turn that nobody signed');
      return true;
    });
    const key = bearerKey(old.sk);
    const at = { group, incarnation: 1_760_000_000_123 };
    const bearers = [{ ...at, device: 1, until: 1_760_086_400 }, { ...at, device: 70_000, until: 2 ** 32 - 1 }].map((b) => makeBearer(key, b));
    feed(bearers, 47, (b) => {
      const d = readBearer(key, b, at);
      if (d !== null && !(same(makeBearer(key, d), b) && bearers.some((x) => same(x, b)))) throw new Error('a bearer that no relay made');
      return d !== null;
    });
  });
});

describe('a broken one of 1,000', () => {
  it('calls to the thread that holds the store, or of its answers, is told apart or is the same again', () => {
    const of = (n: number, blobs: number): Appending => ({
      g: 1, device: 2, n, rosterSeq: 3, time: 1_700_000_000_000, verdict: 'fine', judgedAt: 9, group, logPk: random(32) as LogPk, roster: random(32) as Hash, blobs: Array.from({ length: blobs }, () => random(32) as BlobId), envelope: random(40)
    });
    const head: Call = { name: 'head', input: { g: 1, device: 2 } };
    const calls: Call[] = [head, { name: 'append', input: of(1, 0) }, { name: 'append', input: of(300, 2) }, head];
    const packed = packCalls(calls);
    feed([packed.appends], 48, (b, draw) => {
      const p = { ...packed, appends: b, count: draw(20) === 0 ? draw(9) : packed.count };
      let read: Call[];
      try {
        read = unpackCalls(p);
      } catch (e) {
        if (!/cannot be unpacked/.test(String(e))) throw e;
        return false;
      }
      const again = packCalls(read);
      if (!same(again.appends, b) || again.count !== p.count || again.others.length !== packed.others.length) throw new Error('other calls');
      return true;
    }, 10_000);
    const replies = [ok(null), ok({ is: 'stored', seq: 7, time: 9 }), err('unavailable'), ok(null)] as Parameters<typeof packReplies>[1];
    const answers = packReplies(calls, replies);
    expect(unpackReplies(answers)).toEqual(replies);
    feed([new Uint8Array(answers.kept.buffer)], 49, (b, draw) => {
      const kept = new Float64Array(b.slice(0, b.length - (b.length % 8)).buffer);
      const count = draw(20) === 0 ? draw(9) : answers.count;
      try {
        return unpackReplies({ ...answers, kept, count }).length === count;
      } catch (e) {
        if (!/cannot be unpacked/.test(String(e))) throw e;
        return false;
      }
    }, 2_000);
  });

  it('blobs, their ids made right again, shows nothing that was not sealed', () => {
    const plain = random(3_000);
    const { ciphertext, ...ref } = sealBlob(plain, random);
    feed([ciphertext], 20, (b) => {
      const d = openBlob({ ...ref, id: hash(LABEL.blob, b) as never }, b);
      if (d.ok && !same(d.value, plain)) throw new Error('another plaintext');
      return d.ok;
    }, 2_000);
    feed([new Writer().num(ref.size).done()], 21, (b, draw) => {
      const size = draw(2) ? ref.size : b.reduce((n, x) => n * 256 + x, 0);
      const d = openBlob({ ...ref, size }, ciphertext);
      if (d.ok && size !== ref.size) throw new Error('another size');
      return d.ok;
    }, 1_000);
  });

  it('pictures of a QR code reads as the link, as nothing, or as a text that is judged like any other', () => {
    const fragment = (disk('invites') as unknown as { readonly link: { readonly fragment: string } }).link.fragment;
    const { image, side } = painted(fragment.slice(0, 60));
    const draw = drawing(22);
    let read = 0;
    for (let i = 0; i < 1_000; i++) {
      const spoilt = image.slice();
      for (let spots = draw(6); spots > 0; spots--) {
        const [x, y, w, h] = [draw(side), draw(side), 1 + draw(side / 4), 1 + draw(side / 4)];
        const grey = draw(2) * 255;
        for (let v = y; v < Math.min(side, y + h); v++) spoilt.fill(grey, 4 * (v * side + x), 4 * (v * side + Math.min(side, x + w)));
      }
      // and noise, on one in three: single points of it
      if (i % 3 === 0) for (let points = draw(side * 8); points > 0; points--) spoilt.fill(draw(256), 4 * draw(side * side), 4 * draw(side * side));
      let text: string | null = null;
      try {
        // now and then the camera gives another size than it says
        text = decodeQR({ width: side, height: i % 50 === 49 ? draw(2 * side) : side, data: spoilt });
      } catch (e) {
        if (!(e instanceof Error)) throw e;
      }
      if (text === null) continue;
      read++;
      decodeLink(text);
    }
    expect(read).toBeGreaterThan(20);
    expect(read).toBeLessThan(1_000);
  });

  it('vaults on a disk opens with its passphrase, or says what is wrong, and never gives another key', async () => {
    const now = (): number => 1_000_000;
    const parts = () => ({ disk: memoryDevice().open(), now, random, argon: { memory: 64, passes: 1, lanes: 1 } });
    const first = parts();
    const key = await createVault(first, PASSPHRASE);
    if (!key.ok) throw new Error(key.fault);
    const body = ((await first.disk.header()) as Bytes).slice(0, -32);
    const draw = drawing(23);
    const said = new Set<string>();
    for (let tried = 0; tried < 1_000; ) {
      const b = broken([body], draw);
      const header = concat(b, hash(LABEL.vaultHeader, b));
      const read = decodeHeader(header);
      const wraps = read.ok ? read.value.wraps.map((w) => decodePassphraseWrap(w.body)) : [];
      // what a header may ask of a phone is more than a test should spend
      if (wraps.some((w) => w.ok && (w.value.argon.memory > 1_024 || w.value.argon.passes > 4))) continue;
      tried++;
      const p = parts();
      await p.disk.swapHeader(null, header);
      const opened = await unlockVault(p, PASSPHRASE);
      if (opened.ok) expect(same(opened.value, key.value)).toBe(true);
      said.add(opened.ok ? 'opened' : opened.fault);
    }
    expect([...said].sort()).toEqual(expect.arrayContaining(['damaged', 'opened', 'wrong-passphrase']));
  });
});

describe('HTTP', () => {
  it('answers a broken one of 100,000 requests as it should, keeps under a name only what has it, and gives nothing without a bearer', async () => {
    const r = rhea('fuzz');
    const scene = await Scene.begin(r, makeDevice(r.random));
    const { bearer } = scene.phone.of('welcome')[0] as Of<'welcome'>;
    const blobs = memoryBlobs();
    const app = createApp(r.relay, blobs, '/no such folder');
    const [words, others] = [fromText('words'), fromText('other words')];
    const [there, id, otherId, nobody] = [scene.group, hash(LABEL.blob, words), hash(LABEL.blob, others), random(32)].map(base16) as [string, string, string, string];
    const paths = [`api/blob/${there}/${id}`, `api/blob/${there}/${otherId}`, `api/blob/${there}/${id}/`, `api/blob/${nobody}/${id}`, `api/blob/${there}/%2e%2e%2f${id}`, 'ws', 'healthz', '../api/blob?a=b', '_app/immutable/a.js'];
    const auth = [`Bearer ${base64url(bearer)}`, `Bearer ${base64url(random(32))}`, base64url(bearer), ''];
    const methods = ['GET', 'HEAD', 'PUT', 'PUT', 'DELETE', 'POST', 'OPTIONS'];
    const lengths = ['5', '5', '0', '-1e400', '99999999999'];
    const draw = drawing(24);
    const text = (of: readonly string[]): string => (draw(2) === 0 ? (of[draw(of.length)] as string) : Buffer.from(broken(of.map(fromText), draw)).toString('latin1'));
    const seen = new Map<number, number>();
    for (let judged = 0; judged < MANY; ) {
      const method = methods[draw(methods.length)] as string;
      const authorization = text(auth);
      let request: Request;
      try {
        const body = method === 'PUT' ? { body: draw(3) === 0 ? broken([words, others], draw) : draw(2) === 0 ? words : others } : {};
        request = new Request(`http://relay.test/${text(paths)}`, { method, headers: { authorization, 'content-length': lengths[draw(lengths.length)] as string }, ...body });
      } catch {
        continue; // no HTTP at all: it never gets so far
      }
      judged++;
      const { status } = await app.fetch(request);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      // what is going cannot come again for some minutes
      if (status === 204) r.now += RATE.blobGoing;
      if (authorization !== auth[0] && (status === 201 || status === 204) && !/^options$/i.test(method)) throw new Error(`${method} ${request.url} without a bearer`);
    }
    // no 500: nothing of it was a surprise
    for (const status of [200, 201, 204, 403, 404, 413, 422, 426]) expect(seen.get(status) ?? 0, String(status)).toBeGreaterThan(10);
    expect([...seen.keys()].filter((status) => status >= 500)).toEqual([]);
    for (const [name, bytes] of [[id, words], [otherId, others]] as const) {
      const parts: Uint8Array[] = [];
      for await (const part of (await blobs.get(1, unhex(name) as never)) ?? []) parts.push(part);
      expect(parts.length === 0 || same(concat(...parts), bytes)).toBe(true);
    }
  });
});

const PASSPHRASE = 'four quiet lamps over harbour';
const base16 = (b: Bytes): string => Buffer.from(b).toString('hex');

/** A QR code as a camera would hand it over. */
function painted(text: string): { readonly image: Uint8Array; readonly side: number } {
  const SCALE = 3;
  const { size, data } = encodeQR(text, { ecc: 'M', border: 4 });
  const side = size * SCALE;
  const image = new Uint8Array(side * side * 4).fill(255);
  for (let y = 0; y < side; y++) for (let x = 0; x < side; x++) if (data[Math.floor(y / SCALE)]?.[Math.floor(x / SCALE)] === true) image.fill(0, 4 * (y * side + x), 4 * (y * side + x) + 3);
  return { image, side };
}
