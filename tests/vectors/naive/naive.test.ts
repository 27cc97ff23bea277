/** The naive decoder, made from the document alone, agrees with every vector. */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { argon2id } from 'hash-wasm';
import { beforeAll, describe, expect, it } from 'vitest';
import { begin, fold, type State, stateBytes } from './fold';
import { ENTRIES, entry, envelope, type Frame, frame, FROM_RELAY, INNER_REQUEST, NOTE, PART, RECEIPT, SECRET, signedText, TO_RELAY } from './formats';
import { type Any, any, anyBytes, isRecord, isSaid, RECORD_TYPES, recordId, update, updateBytes, Void } from './lanes';
import * as p from './primitives';
import { Bytes, field, grammar, leaves, number, rows, section, type Value, whole, wordsOfThePhrase, write } from './words';

type Json = string | number | boolean | null | Json[] | { readonly [k: string]: Json };
type Some = { readonly [k: string]: Json & Some } & readonly (Json & Some)[];
const fromDisk = (name: string): Some => JSON.parse(readFileSync(new URL(`../${name}.json`, import.meta.url), 'utf8')) as Some;
/** Whatever was looked at in them, places in lists being one. */
const lookedAt = new Set<string>();
const within = (path: string, k: string): string => `${path}.${/^\d+$/.test(k) ? '#' : k}`;
const watched = <T>(v: T, path: string): T =>
  typeof v !== 'object' || v === null
    ? v
    : new Proxy(v, {
        get(of, k) {
          if (typeof k !== 'string' || !Object.hasOwn(of, k)) return Reflect.get(of, k) as unknown;
          lookedAt.add(within(path, k));
          return watched(Reflect.get(of, k) as unknown, within(path, k));
        }
      });
const disk = (name: string): Some => watched(fromDisk(name), name);
const un = (h: Json | undefined): Buffer => Buffer.from(h as string, 'hex');
const all = (v: unknown): Some[] => v as Some[];
const at = (v: Json, ...names: string[]): Json => names.reduce((x, n) => (x as Some)[n] as Json, v);
const KEYRING = 'list(epoch num ‖ rosterKey b[32] ‖ opt(contentKey b[32]))';
const text = (s: string): Buffer => Buffer.concat([number(Buffer.byteLength(s)), Buffer.from(s)]);

/** Words of the vectors for what the document calls a bool. */
const BOOLS: Readonly<Record<string, boolean>> = { down: true, up: false, today: true, start: false, recovery: true, ordinary: false };
const said = (v: Json): Value[] => (typeof v !== 'object' || v === null ? [typeof v === 'string' ? (BOOLS[v] ?? v) : v] : Object.entries(v).filter(([k]) => k !== 'is' && k !== 'kind').flatMap(([, x]) => said(x)));
const same = (a: Value, b: Json): void => expect([...leaves(a)].map(String).sort()).toEqual(said(b).map(String).sort());

/** Whether each turn in a frame is signed by the key that it turns from. */
const turnsHold = (v: Value): boolean[] =>
  (field(v, 'list') as Value[]).map((t) => {
    const [from, to, signature] = ['from', 'to', 'signature'].map((name) => un(field(t, name) as string)) as [Buffer, Buffer, Buffer];
    return p.verifies('relay-turn', Buffer.concat([from, to]), signature, from);
  });

beforeAll(() => p.awake);

describe('the naive decoder agrees on', () => {
  it('numbers and texts', () => {
    const v = disk('wire');
    const fully = (b: Buffer, read: (x: Bytes) => unknown): unknown => {
      const x = new Bytes(b);
      const out = read(x);
      if (x.at !== b.length) throw new Error('goes on');
      return out;
    };
    for (const n of all(v['numbers'])) {
      expect(fully(un(n['bytes']), (b) => b.num())).toBe(n['value']);
      expect(number(n['value'] as unknown as number)).toEqual(un(n['bytes']));
    }
    for (const n of all(v['refusedNumbers'])) expect(() => fully(un(n['bytes']), (b) => b.num())).toThrow();
    for (const t of all(v['texts'])) expect(fully(un(t['bytes']), (b) => b.text())).toBe(t['value']);
    for (const t of all(v['refusedTexts'])) expect(() => fully(un(t['bytes']), (b) => b.text())).toThrow();
  });

  it('every label', () => {
    for (const l of Object.values(disk('labels')) as unknown as Some[]) expect(p.label(/^carefold\/(.*)\/1$/.exec(l['text'] as unknown as string)?.[1] as string)).toEqual(un(l['bytes']));
  });

  it('padding', () => {
    const v = disk('padding');
    for (const l of all(v['lengths'])) expect(p.padme(l['length'] as unknown as number)).toBe(l['padme']);
    for (const x of all(v['padded'])) {
      expect(p.pad(un(x['plain']))).toEqual(un(x['padded']));
      expect(p.unpad(un(x['padded']))).toEqual(un(x['plain']));
    }
  });

  it('every frame both ways, by the tables of the document, and back to the same bytes', () => {
    const v = disk('frames');
    for (const [kinds, name] of [[TO_RELAY, 'toRelay'], [FROM_RELAY, 'fromRelay']] as const) {
      const seen = new Set<number>();
      for (const f of all(v[name])) {
        const d: Frame = frame(kinds, un(f['bytes']));
        expect(d.kind.name).toBe(at(f, 'frame', 'is'));
        same(d.fields, at(f, 'frame'));
        // a relay's old key names the new one (§7.1)
        if (d.kind.name === 'turns') expect(turnsHold(d.fields)).toEqual([true]);
        expect(Buffer.concat([Buffer.from([d.kind.code]), write(d.kind.shape, d.fields)])).toEqual(un(f['bytes']));
        seen.add(d.kind.code);
      }
      expect(kinds.map((k) => k.code).filter((c) => !seen.has(c))).toEqual([]);
    }
  });

  it('a whole life of a roster: entries, receipts, chain, why each was void, and the state at the end', () => {
    const v = disk('roster');
    const signed = (name: string, r: Value, s: State): boolean => {
      const body = Buffer.concat([un(leaves(field(r, 'relayPk'))[0] as string), number(field(r, 'incarnation') as number), un(v['group'] as Json), number(s.chains.length), un(s.chains.at(-1) as string), number(field(r, 'time') as number)]);
      return p.verifies(name, body, un(leaves(field(r, 'signature'))[0] as string), un(v['relayPk'] as Json));
    };
    let state: State | null = null;
    const seen = new Set<string>();
    for (const e of all(v['entries'])) {
      const bytes = un(e['bytes']);
      if (e['decoded'] === (null as unknown)) expect(() => entry(bytes)).toThrow();
      else {
        const d = entry(bytes);
        seen.add(d.kind);
        expect([d.kind, d.seq, d.prev, d.author, d.signature.toString('hex')]).toEqual([at(e, 'decoded', 'body', 'kind'), ...['seq', 'prev', 'author', 'signature'].map((k) => at(e, 'decoded', k))]);
        same(d.body, at(e, 'decoded', 'body'));
      }
      expect(p.hash('entry-hash', bytes)).toEqual(un(e['hash']));
      const receipt = whole(RECEIPT, un(e['receiptBytes']));
      same(receipt, e['receipt'] as Json);
      const r = field(receipt, 'receipt');
      const time = field(r, 'time') as number;
      if (state === null) {
        state = begin(v['group'] as unknown as string, bytes, time);
        expect(state, 'the group begins').not.toBeNull();
      } else {
        const f = fold(state, bytes, time, v['relayPk'] as unknown as string);
        expect(f.void, `seq ${state.chains.length + 1}`).toBe(e['void']);
        state = f.state;
      }
      const s = state as State;
      const chain = s.chains.at(-1) as string;
      expect(leaves(field(r, 'chain'))).toEqual([chain]);
      expect(signed('receipt', r, s)).toBe(true);
    }
    expect(signed('destroyed', field(whole(RECEIPT, un(v['destroyed'])), 'receipt'), state as unknown as State)).toBe(true);
    expect(stateBytes(state as unknown as State).toString('hex')).toBe(v['state']);
    expect(ENTRIES.map((k) => k.name).filter((k) => !seen.has(k))).toEqual([]);
  });

  it('envelopes: header, signature, plaintext, hash', () => {
    const v = disk('envelopes');
    for (const e of all(v['envelopes'])) {
      const bytes = un(e['bytes']);
      const d = envelope(bytes);
      expect({ n: d.n, rosterSeq: d.rosterSeq, epoch: d.epoch, blobs: d.blobs }).toEqual(e['header']);
      const parts = ['group', 'logPk', 'prev', 'roster'].map((k) => un(at(e, 'context', k)));
      const place = Buffer.concat([p.label('envelope'), ...parts, d.header]);
      expect(p.verifies('envelope', p.hash('envelope-body', place, d.nonce, d.sealed), d.signature, un(at(e, 'context', 'logPk')))).toBe(true);
      expect(p.unpad(p.decrypt(un(v['key']), place, d.nonce, d.sealed))).toEqual(un(e['plaintext']));
      expect(p.hash('envelope-hash', ...parts, bytes)).toEqual(un(e['hash']));
      const again = p.encrypt(un(v['key']), place, un(e['random']), p.pad(un(e['plaintext'])));
      expect(Buffer.concat([d.header, d.nonce, again, p.signs('envelope', p.hash('envelope-body', place, d.nonce, again), un(v['logSk']))])).toEqual(bytes);
    }
  });

  it('an epoch: commitments, lockbox, display data', () => {
    const v = disk('epochs');
    const place = Buffer.concat([un(at(v as Json, 'place', 'prev')), number(at(v as Json, 'place', 'seq') as number)]);
    const c = v['commitments'] as unknown as Some;
    expect(p.hash('commit-content', un(c['content']), place)).toEqual(un(c['contentCommit']));
    expect(p.hash('commit-roster', un(c['roster']), place)).toEqual(un(c['rosterCommit']));
    const box = v['lockbox'] as unknown as Some;
    const kem = p.kemFrom(un(box['kemSeed']));
    expect(kem.pk).toEqual(un(at(box as Json, 'kem', 'pk')));
    const keyring = whole(grammar(KEYRING, new Map()), p.openBox('lockbox-key', Buffer.concat([place, un(box['to'])]), kem, un(box['bytes'])));
    same(keyring, box['keyring'] as Json);
    expect(p.hash('lockbox-hash', un(box['bytes']))).toEqual(un(box['hash']));
    const d = v['display'] as unknown as Some;
    expect(p.unpad(p.unseal(un(d['key']), Buffer.concat([p.label('display'), place, un(d['author'])]), un(d['bytes'])))).toEqual(un(d['plain']));
  });

  it('a want, and the answer that its asker opens', () => {
    const w = disk('epochs')['want'] as unknown as Some;
    const [bytes, group, asker] = [un(w['bytes']), un(w['group']), w['asker'] as unknown as Some];
    const shape = grammar('version u8 ‖ logPk b[32] ‖ list(first num ‖ last num) ‖ signature b[64]', new Map());
    expect(leaves(whole(shape, bytes))).toEqual([1, asker['logPk'], 1, 1, 7, 9, bytes.subarray(-64).toString('hex')]);
    expect(p.verifies('want', Buffer.concat([group, bytes.subarray(0, -64)]), bytes.subarray(-64), un(asker['logPk']))).toBe(true);
    const hash = p.hash('want-hash', bytes);
    expect(hash).toEqual(un(w['hash']));
    const kem = { pk: un(at(asker as Json, 'kem', 'pk')), sk: un(at(asker as Json, 'kem', 'sk')) };
    const keyring = whole(grammar(KEYRING, new Map()), p.openBox('want-key', Buffer.concat([group, hash, un(asker['logPk'])]), kem, un(at(w as Json, 'answer', 'bytes'))));
    same(keyring, at(w as Json, 'answer', 'keyring'));
  });

  it('an invite: link, keys, card, request, answer and number', async () => {
    const v = disk('invites');
    const l = v['link'] as unknown as Some;
    const bytes = Buffer.from(l['fragment'] as unknown as string, 'base64url');
    expect(bytes.toString('base64url')).toBe(l['fragment']);
    const shape = grammar('version u8 ‖ group b[32] ‖ seq num ‖ chain b[32] ‖ relayPk b[32] ‖ host text ‖ secret b[16]', new Map());
    expect(leaves(whole(shape, bytes))).toEqual([1, ...['group', 'seq', 'chain', 'relayPk', 'host', 'secret'].map((k) => l[k])]);
    const [group, secret] = [un(l['group']), un(l['secret'])];
    const k = p.pairFrom(p.hash('invite-sign', secret, group));
    const cardKey = p.hash('invite-card', secret, group);
    expect({ invite: k.pk.toString('hex'), sk: k.sk.toString('hex'), cardKey: cardKey.toString('hex') }).toEqual(v['keys']);
    const card = v['card'] as unknown as Some;
    expect(p.unpad(p.unseal(cardKey, Buffer.concat([p.label('card'), group, k.pk]), un(card['bytes'])))).toEqual(un(card['plain']));
    const q = v['request'] as unknown as Some;
    const asked = whole(grammar('list(logPk b[32] ‖ key bytes) ‖ sealed bytes', new Map()), un(q['bytes']));
    const mine = (field(asked, 'list') as Value[]).find((x) => field(x, 'logPk') === at(q as Json, 'reader', 'logPk')) as Value;
    const kem = { pk: un(at(q as Json, 'reader', 'pair', 'pk')), sk: un(at(q as Json, 'reader', 'pair', 'sk')) };
    const about = Buffer.concat([group, k.pk]);
    const key = p.openBox('request-key', Buffer.concat([about, un(field(mine, 'logPk') as string)]), kem, un(field(mine, 'key') as string));
    same(whole(INNER_REQUEST, p.unpad(p.unseal(key, Buffer.concat([p.label('request'), about]), un(field(asked, 'sealed') as string)))), q['request'] as Json);
    const a = v['answer'] as unknown as Some;
    expect(p.unpad(p.unseal(un(a['key']), Buffer.concat([p.label('answer'), group, un(a['id'])]), un(a['bytes'])))).toEqual(un(a['plain']));
    const n = v['number'] as unknown as Some;
    const stretched = await argon2id({
      password: p.hash('number', un(n['logPk']), un(n['kem']), group, k.pk), salt: p.hash('number', group, k.pk).subarray(0, 16), memorySize: 65536, iterations: 3, parallelism: 1, hashLength: 32, outputType: 'hex'
    });
    expect((BigInt(`0x${stretched.slice(0, 32)}`) % 10n ** 12n).toString().padStart(12, '0')).toBe(n['digits']);
  });

  it('proofs of access', () => {
    const KINDS = ['log', 'invite', 'vault', 'meet'];
    for (const a of disk('access') as unknown as Some[]) {
      const f = a['proof'] as unknown as Some;
      const body = Buffer.concat([number(1), Buffer.from([KINDS.indexOf(f['as'] as unknown as string)]), text(f['host'] as unknown as string), un(f['group']), un(f['serverNonce']), un(f['nonce'])]);
      expect(p.verifies('access', body, un(a['signature']), un(a['key']))).toBe(true);
    }
  });

  it('bearers of relays that share a store', () => {
    for (const b of disk('bearers') as unknown as Some[]) {
      const [device, until] = ['device', 'until'].map((name) => b[name] as unknown as number) as [number, number];
      const key = p.hash('bearer-key', un(b['secret']).subarray(0, 32));
      expect(key).toEqual(un(b['key']));
      const said = Buffer.concat([p.label('bearer'), un(b['group']), number(b['incarnation'] as unknown as number), number(device), number(until)]);
      const open = Buffer.alloc(8);
      open.writeUInt32BE(device, 0);
      open.writeUInt32BE(until, 4);
      expect(Buffer.concat([open, p.mac(24, key, said)])).toEqual(un(b['bytes']));
    }
  });

  it('blobs: sealed from the same draws they are the same bytes, however many chunks, and open', () => {
    for (const b of disk('blobs') as unknown as Some[]) {
      const r = b['ref'] as unknown as Some;
      const size = r['size'] as unknown as number;
      const plain = Buffer.from(Array.from({ length: size }, (_, i) => i % 251));
      expect(b['plain']).toBe('byte i is i mod 251');
      const draws = un(b['random']);
      const ciphertext = p.sealBlob(draws.subarray(0, 32), draws.subarray(32), plain);
      expect([ciphertext.length, ciphertext.subarray(0, 64), ciphertext.subarray(-64)]).toEqual([b['length'], un(b['beginning']), un(b['end'])]);
      if (b['ciphertext'] !== (null as unknown)) expect(ciphertext).toEqual(un(b['ciphertext']));
      expect(p.openBlob(r['id'] as unknown as string, un(r['key']), r['plain'] as unknown as string, size, ciphertext).equals(plain)).toBe(true);
    }
  });

  it('what is kept at rest', async () => {
    const v = disk('rest');
    const row = v['row'] as unknown as Some;
    expect(p.hash('row-key', un(v['vaultKey']))).toEqual(un(row['rowKey']));
    const about = Buffer.concat([p.label('row'), text(at(row as Json, 'place', 'table') as string), text(at(row as Json, 'place', 'key') as string)]);
    expect(un(row['bytes'])[0]).toBe(1);
    expect(p.unseal(un(row['rowKey']), about, un(row['bytes']).subarray(1))).toEqual(un(row['plain']));
    const h = un(at(v as Json, 'header', 'bytes'));
    const body = h.subarray(0, -32);
    expect(p.hash('vault-header', body)).toEqual(h.subarray(-32));
    const b = new Bytes(body);
    expect([b.take(1)[0], b.num(), b.num(), b.num()]).toEqual([1, at(v as Json, 'header', 'tries'), at(v as Json, 'header', 'lastTry'), 1]);
    expect(b.text()).toBe('passphrase');
    const wrap = new Bytes(b.take(b.num()));
    const [salt, memory, passes, lanes] = [wrap.take(16), wrap.num(), wrap.num(), wrap.num()];
    const key = await argon2id({ password: at(v as Json, 'passphrase', 'words') as string, salt, memorySize: memory, iterations: passes, parallelism: lanes, hashLength: 32, outputType: 'hex' });
    expect(key).toBe(at(v as Json, 'passphrase', 'key'));
    expect([salt, memory, passes, lanes]).toEqual([un(at(v as Json, 'passphrase', 'salt')), ...['memory', 'passes', 'lanes'].map((k) => at(v as Json, 'passphrase', 'argon', k))]);
    expect(un(at(v as Json, 'wrapped', 'about'))).toEqual(Buffer.concat([text('passphrase'), salt, number(memory), number(passes), number(lanes)]));
    const wrapped = wrap.rest(0);
    expect(wrapped).toEqual(un(at(v as Json, 'wrapped', 'bytes')));
    expect(wrapped[0]).toBe(1);
    expect(p.unseal(un(key), Buffer.concat([p.label('vault-wrap'), text('passphrase'), salt, number(memory), number(passes), number(lanes)]), wrapped.subarray(1))).toEqual(un(v['vaultKey']));
  });

  it('a person’s claim, and the number that two persons compare', async () => {
    const v = disk('person');
    const pair = p.pairFrom(p.hash('person-sign', un(v['seed'])));
    expect(pair.pk).toEqual(un(at(v as Json, 'keys', 'pk')));
    expect(p.verifies('person', Buffer.concat([un(v['group']), un(v['tag'])]), un(v['signature']), pair.pk)).toBe(true);
    expect(p.pairFrom(p.hash('person-sign', un(at(v as Json, 'other', 'seed')))).pk).toEqual(un(at(v as Json, 'other', 'pk')));
    const [low, high] = [pair.pk, un(at(v as Json, 'other', 'pk'))].sort((a, b) => Buffer.compare(a, b)) as [Buffer, Buffer];
    const salt = p.hash('safety-number', low).subarray(0, 16);
    const h = await argon2id({ password: p.hash('safety-number', low, high), salt, memorySize: 64 * 1024, iterations: 3, parallelism: 1, hashLength: 32, outputType: 'hex' });
    expect((BigInt(`0x${h}`) % 10n ** 60n).toString().padStart(60, '0')).toBe(v['number']);
  });

  it('what organisations and persons sign, the number of a key, and the file that keeps one', async () => {
    const v = disk('credentials') as Json;
    const NAMES = { organisation: 'organisation', request: 'credential-request', credential: 'credential' } as const;
    for (const [of, kind] of Object.entries(NAMES)) {
      const text = at(v, of, 'text') as string;
      expect(text.startsWith(`carefold:${kind}:1:`)).toBe(true);
      const bytes = Buffer.from(text.slice(`carefold:${kind}:1:`.length), 'base64url');
      expect(bytes).toEqual(un(at(v, of, 'bytes')));
      const t = signedText(kind, bytes);
      expect(p.verifies(kind, t.body, t.signature, un(t.signer))).toBe(true);
      if (of === 'credential') expect(leaves(t.fields)).toEqual([1, ...Object.values(at(v, of, 'fields') as object)]);
      if (of === 'organisation') {
        const h = p.hash('key-number', un(t.signer));
        const n = await argon2id({ password: h, salt: h.subarray(0, 16), memorySize: 64 * 1024, iterations: 3, parallelism: 1, hashLength: 32, outputType: 'hex' });
        expect((BigInt(`0x${n}`) % 10n ** 30n).toString().padStart(30, '0')).toBe(at(v, of, 'number'));
      }
    }
    const file = un(at(v, 'secret', 'bytes'));
    expect(at(v, 'secret', 'text')).toBe(`carefold:organisation-secret:1:${file.toString('base64url')}`);
    const [, organisation, , salt, memory, passes, lanes, sealed] = leaves(whole(SECRET, file)) as [number, string, string, string, number, number, number, string];
    const key = await argon2id({ password: at(v, 'secret', 'passphrase') as string, salt: un(salt), memorySize: memory, iterations: passes, parallelism: lanes, hashLength: 32, outputType: 'hex' });
    const seed = p.unseal(un(key), Buffer.concat([p.label('organisation-secret'), file.subarray(0, -72)]), un(sealed));
    expect(p.pairFrom(seed).pk.toString('hex')).toBe(organisation);
  });

  it('permits: the code that a person types, and what the relay keeps', () => {
    const letters = /letters of 5 bits: (\w{32}), in six groups of four/.exec(section('18.1'))![1]!;
    for (const v of disk('permits') as unknown as Some[]) {
      const permit = un(v['permit']);
      const bits = [...permit, p.hash('permit-check', permit)[0] as number].map((x) => x.toString(2).padStart(8, '0')).join('');
      expect((bits.match(/.{5}/g) as string[]).map((five) => letters[parseInt(five, 2)]).join('').replace(/(.{4})(?=.)/g, '$1-')).toBe(v['code']);
      expect(p.hash('permit', permit)).toEqual(un(v['hash']));
    }
  });

  it('a history: its part, and the note that names it, signed and sealed', () => {
    const v = disk('carried') as Json;
    const [part, note, into] = [un(at(v, 'part', 'bytes')), un(at(v, 'note', 'bytes')), un(at(v, 'into'))];
    expect(leaves(whole(PART, part))).toEqual([1, ...said(at(v, 'part', 'decoded'))]);
    const body = note.subarray(0, -64);
    const fields = leaves(whole(NOTE, body));
    expect(fields).toEqual([1, ...said(at(v, 'note', 'decoded'))]);
    expect(p.verifies('carried-note', Buffer.concat([into, body]), note.subarray(-64), un(fields.at(-1) as string))).toBe(true);
    const key = p.hash('carried-key', un(at(v, 'content')), into);
    expect(p.unpad(p.unseal(key, Buffer.concat([p.label('carried'), into]), un(at(v, 'sealed', 'bytes'))))).toEqual(note);
  });

  it('linking: a code, its keys, what both sides say, the number they compare, the session and a device’s name', () => {
    const v = disk('linking');
    const letters = /letters of 5 bits: (\w{32}), in six groups of four/.exec(section('18.1'))![1]!;
    const secret = un(v['secret']);
    const bits = [...secret, p.hash('link-check', secret)[0] as number].map((x) => x.toString(2).padStart(8, '0')).join('');
    expect((bits.match(/.{5}/g) as string[]).map((five) => letters[parseInt(five, 2)]).join('').replace(/(.{4})(?=.)/g, '$1-')).toBe(v['code']);
    const meeting = p.pairFrom(p.hash('link-sign', secret));
    const meetKey = p.hash('link-key', secret);
    expect([meeting.pk, meeting.sk, meetKey]).toEqual(['id', 'sk', 'key'].map((k) => un(at(v, 'keys', k))));

    const SIDES = { new: 0, live: 1 } as const;
    type Side = keyof typeof SIDES;
    const kem = { new: p.kemFrom(un(at(v, 'seeds', 'new'))), live: p.kemFrom(un(at(v, 'seeds', 'live'))) };
    const opening = (o: Json): Buffer => Buffer.concat([un(at(o, 'nonce')), un(at(o, 'kem')), un(at(o, 'relayPk')), text(at(o, 'name') as string)]);
    const words = new Map(all(v['words']).map((w) => [at(w as Json, 'words', 'is') as string, { said: w['words'] as Json, bytes: un(w['bytes']) }]));
    const [ofNew, ofLive] = ['reveal', 'answer'].map((is) => at(words.get(is)!.said, 'opening')) as [Json, Json];
    expect([un(at(ofNew, 'kem')), un(at(ofLive, 'kem'))]).toEqual([kem.new.pk, kem.live.pk]);
    const commit = p.hash('link-commit', opening(ofNew));
    expect(un(at(words.get('commit')!.said, 'commit'))).toEqual(commit);
    const inner = un(at(words.get('sealed')!.said, 'sealed'));
    expect(words.get('sealed')!.bytes).toEqual(Buffer.concat([Buffer.from([5]), number(inner.length), inner]));
    expect(words.get('stop')!.bytes).toEqual(Buffer.from([0]));
    expect(words.get('commit')!.bytes).toEqual(Buffer.concat([Buffer.from([1]), commit]));
    expect(words.get('answer')!.bytes).toEqual(Buffer.concat([Buffer.from([2]), opening(ofLive)]));
    expect(words.get('reveal')!.bytes).toEqual(Buffer.concat([Buffer.from([3]), opening(ofNew), un(at(words.get('reveal')!.said, 'half'))]));
    const t = p.hash('link-number', meeting.pk, commit, opening(ofLive), opening(ofNew));
    expect([t.toString('hex'), (t.readBigUInt64BE(0) % 1_000_000n).toString().padStart(6, '0')]).toEqual([v['t'], v['number']]);

    // each half is in a box to the other side's key
    const half = (maker: Side, box: Buffer): Buffer => p.openBox('link-half', Buffer.concat([p.label('link-half'), t, Buffer.from([SIDES[maker]])]), kem[maker === 'new' ? 'live' : 'new'], box);
    const halves = { new: un(at(v, 'halves', 'new')), live: un(at(v, 'halves', 'live')) };
    expect(half('new', un(at(words.get('reveal')!.said, 'half')))).toEqual(halves.new);
    const approve = words.get('approve');
    if (approve !== undefined) expect(half('live', un(at(approve.said, 'half')))).toEqual(halves.live);
    const session = p.hash('link-session', t, halves.new, halves.live);
    expect(session).toEqual(un(v['session']));

    const item = v['item'] as Some;
    const about = (name: string, n: number, side: Side): Buffer => Buffer.concat([p.label(name), meeting.pk, number(n), Buffer.from([SIDES[side]])]);
    const itemBytes = un(item['bytes']);
    expect(itemBytes[0]).toBe(SIDES[item['side'] as unknown as Side]);
    expect(p.unpad(p.unseal(meetKey, about('link-item', item['n'] as unknown as number, item['side'] as unknown as Side), itemBytes.subarray(1)))).toEqual(words.get('commit')!.bytes);
    const sealed = v['sealed'] as Some;
    expect(p.unpad(p.unseal(session, about('link-words', sealed['n'] as unknown as number, sealed['side'] as unknown as Side), un(sealed['bytes'])))).toEqual(un(sealed['plain']));

    const device = v['device'] as Some;
    const name = p.unseal(p.hash('device-key', un(device['seed'])), Buffer.concat([p.label('device-name'), un(device['group']), un(device['logPk'])]), un(device['bytes']));
    expect(p.unpad(name)).toEqual(un(device['plain']));
  });

  it('recovery phrases and the item that one opens', () => {
    const list = wordsOfThePhrase();
    expect([list.length, new Set(list).size, list.join(' ')]).toEqual([1024, 1024, [...list].sort().join(' ')]);
    for (const f of disk('phrase') as unknown as Some[]) {
      const entropy = un(f['entropy']);
      const bits = [...entropy, p.hash('phrase-check', entropy)[0] as number].map((x) => x.toString(2).padStart(8, '0')).join('').slice(0, 130);
      expect(Array.from({ length: 13 }, (_, i) => parseInt(bits.slice(10 * i, 10 * i + 10), 2))).toEqual(f['places']);
      expect((f['places'] as unknown as number[]).map((place) => list[place])).toEqual(at(f as Json, 'words', 'en'));
      const pair = p.pairFrom(p.hash('phrase-sign', entropy));
      const kem = p.kemFrom(p.hash('phrase-kem', entropy));
      expect([pair.pk, pair.sk, kem.pk]).toEqual([un(at(f as Json, 'keys', 'id')), un(at(f as Json, 'keys', 'sk')), un(at(f as Json, 'keys', 'kem', 'pk'))]);
      expect(p.unpad(p.openBox('vault-item', Buffer.concat([p.label('vault-item'), pair.pk]), kem, un(at(f as Json, 'item', 'bytes'))))).toEqual(un(at(f as Json, 'item', 'plain')));
      const [group, row, bytes] = ['group', 'row', 'bytes'].map((x) => un(at(f as Json, 'said', x))) as [Buffer, Buffer, Buffer];
      expect(p.verifies('phrase-row', Buffer.concat([group, pair.pk, kem.pk]), bytes, row)).toBe(true);
    }
  });
});

describe('the naive decoder agrees on what only devices see:', () => {
  it('the wrap of a passkey, a row of the cache, local names', () => {
    const v = disk('local') as Json;
    const wrap = new Bytes(un(at(v, 'passkey', 'bytes')));
    const [credential, salt, name] = [wrap.take(wrap.num()), wrap.take(32), wrap.text()];
    expect([credential, salt, name]).toEqual([un(at(v, 'passkey', 'credential')), un(at(v, 'passkey', 'salt')), at(v, 'passkey', 'name')]);
    expect(wrap.take(1)[0]).toBe(1);
    const about = Buffer.concat([p.label('vault-wrap'), text('passkey'), number(credential.length), credential, salt]);
    const vaultKey = p.unseal(p.hash('passkey-wrap', un(at(v, 'passkey', 'prf'))), about, wrap.rest(0));
    expect(vaultKey).toEqual(un(at(v, 'vaultKey')));

    const row = un(at(v, 'cache', 'bytes'));
    expect(row[0]).toBe(1);
    const open = createDecipheriv('aes-256-gcm', Buffer.from(hkdfSync('sha256', vaultKey, Buffer.alloc(0), p.label('cache-key'), 32)), row.subarray(1, 13));
    open.setAAD(Buffer.concat([p.label('cache-row'), text(at(v, 'cache', 'place', 'table') as string), text(at(v, 'cache', 'place', 'key') as string)]));
    open.setAuthTag(row.subarray(-16));
    expect(Buffer.concat([open.update(row.subarray(13, -16)), open.final()])).toEqual(un(at(v, 'cache', 'plain')));

    for (const n of all(at(v, 'names', 'of'))) expect(p.hash('local-name', un(at(v, 'names', 'kemSeed')), un(n['x'])).subarray(0, 16).toString('base64url')).toBe(n['name']);
  });

  it('updates of a lane, what is void and why, and what a record is', () => {
    const v = disk('lanes');
    const read = (x: Some) => update(un(x['bytes']), x['device'] as unknown as number, x['at'] as unknown as number | null);
    const json = (x: unknown): unknown => JSON.parse(JSON.stringify(x));
    for (const x of [...all(v['updates']), ...all(v['odd'])]) expect(json(read(x))).toEqual({ client: x['client'], clock: x['clock'], records: x['records'] });
    for (const x of all(v['updates'])) expect(updateBytes(read(x))).toEqual(un(x['bytes']));
    for (const x of all(v['refused'])) expect(() => read(x), x['why'] as unknown as string).toThrow(new Void(x['why'] as unknown as string));
    const edit = v['edit'] as unknown as Some;
    const about = Buffer.concat([p.label('edit-words'), un(edit['group']), un(edit['author']), un(edit['post'])]);
    expect(p.unpad(p.unseal(p.hash('edit-key', un(edit['content'])), about, un(edit['bytes']))).toString()).toBe(edit['text']);
    const seen = new Set<string>();
    for (const x of all(v['records'])) {
      const record = json(x['record']) as Any;
      expect(isRecord(record), JSON.stringify(record)).toBe(x['counts']);
      if (x['counts'] as unknown as boolean) seen.add((record as { readonly t: string }).t);
    }
    expect([...seen].sort()).toEqual([...RECORD_TYPES].sort());
    for (const x of all(v['ids'])) expect(recordId(un(x['random']), x['device'] as unknown as number, x['epoch'] as unknown as number)).toBe(x['i']);
    for (const x of all(v['said'])) expect(isSaid(json(x['record']) as Any, x['device'] as unknown as number, x['epoch'] as unknown as number), JSON.stringify(x)).toBe(x['counts']);
  });

  it('what devices of a person say to each other, and what an item of a vault says', () => {
    const v = disk('said');
    const shown = (x: Any): unknown => (Buffer.isBuffer(x) ? x.toString('hex') : Array.isArray(x) ? x.map(shown) : typeof x === 'object' && x !== null ? Object.fromEntries(Object.entries(x).map(([k, y]) => [k, shown(y as Any)])) : x);
    for (const [x, words] of [...all(v['words']).map((x) => [x, x['words']] as const), ...all(v['items']).map((x) => [x, x['item']] as const)]) {
      const b = new Bytes(un(x['bytes']));
      const said = any(b);
      expect(b.at).toBe(b.all.length);
      expect(shown(said)).toEqual(words);
      expect(anyBytes(said)).toEqual(b.all);
    }
    const s = v['share'] as unknown as Some;
    const plain = p.unseal(p.hash('device-key', un(s['seed'])), Buffer.concat([p.label('device-share'), un(s['group']), un(s['logPk'])]), un(s['bytes']));
    expect(p.unpad(plain)).toEqual(un(s['plain']));
    expect(any(new Bytes(un(s['plain'])))).toEqual({ is: 'end', full: [] });
  });
});

describe('of the vectors', () => {
  /** How they were made, beside what they hold: draws, secret keys of whoever signed, why something is refused, and who is in the story of the roster. */
  const MAKING = /^roster\.(devices|keys)\.|^(access\.#\.secret|roster\.entries\.#\.kind)$|\.(random|halfRandom|sk|logSk|rowSk|why|asker\.member)$/;
  it('none is left to the code that made it', () => {
    const files = readdirSync(new URL('..', import.meta.url)).flatMap((f) => (f.endsWith('.json') ? [f.slice(0, -5)] : []));
    expect(files.length).toBeGreaterThan(15);
    const inside = (v: Json, path: string): string[] => (typeof v !== 'object' || v === null ? [path] : Object.entries(v).flatMap(([k, x]) => inside(x, within(path, k))));
    expect([...new Set(files.flatMap((f) => inside(fromDisk(f) as Json, f)))].filter((path) => !lookedAt.has(path) && !MAKING.test(path))).toEqual([]);
  });
});

describe('the document', () => {
  it('names every refusal once', () => {
    const codes = rows(section('12.3')).map((r) => Number(r[0]));
    expect(codes).toEqual([...new Set(codes)].sort((a, b) => a - b));
  });
});
