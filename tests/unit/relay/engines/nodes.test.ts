/** Two relays, as processes of their own, on one PostgreSQL, one NATS and one S3: whatever dies, what was acknowledged is there. */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { base64url, fromText, hex } from '../../../../crypto/bytes';
import type { Bytes, GroupId, RelayPk } from '../../../../crypto/brand';
import type { EpochKeys } from '../../../../crypto/epoch';
import { blobHasher } from '../../../../crypto/kept';
import { begin, fold } from '../../../../crypto/roster/fold';
import type { RosterState } from '../../../../crypto/roster/state';
import { ready } from '../../../../crypto/sodium';
import { signWant } from '../../../../crypto/want';
import { keysAt } from '../../../../relay/keys';
import { statsOf } from '../../../../relay/stats';
import { type Device, deviceAdd, deviceRevoke, envelope, foundGroup, type Made, makeDevice, nameEntry, pen, plainEntry, seeded } from '../../../support/actor';
import { Carrier } from '../../../support/carrier';
import { type Engine, startNats, startPostgres, startS3, until } from '../../../support/engines';
import { bundleRelay, type Node, startNode } from '../../../support/node';

let bundle: Awaited<ReturnType<typeof bundleRelay>>;
let db: Engine;
let nats: Engine;
let s3: Engine;
let nodes: Node[] = [];
const carriers: Carrier[] = [];
let seeds = 0;

const env = (): Record<string, string> => ({
  CAREFOLD_POSTGRES: db.url, CAREFOLD_NATS: nats.url, CAREFOLD_S3: s3.url, CAREFOLD_S3_KEY: 'S3RVER', CAREFOLD_S3_SECRET: 'S3RVER', CAREFOLD_METRICS: '127.0.0.1:0'
});
// relays that share a store are one relay to their groups: the same key
const node = (prepare: (folder: string) => void = () => undefined, more: Readonly<Record<string, string>> = {}): Promise<Node> =>
  startNode(bundle.path, { ...env(), ...more }, (folder) => {
    writeFileSync(join(folder, 'relay.key'), createHash('sha256').update('key').digest());
    prepare(folder);
  });

beforeAll(async () => {
  await ready();
  [bundle, db, nats, s3] = await Promise.all([bundleRelay(), startPostgres(), startNats(), startS3()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([db.discard(), nats.discard(), s3.discard()]);
  bundle.discard();
}, 30_000);
beforeEach(async () => void (nodes = await Promise.all([node(), node()])), 30_000);
afterEach(async () => {
  carriers.splice(0).forEach((c) => c.end());
  await Promise.all(nodes.map((n) => n.discard()));
}, 30_000);

interface Pair { readonly group: GroupId; readonly state: RosterState; readonly keys: EpochKeys; readonly laptop: Carrier; readonly phone: Carrier; seal(device: Device, count: number): Bytes[] }

/** One person's laptop at the first relay and phone at the second, in one group. */
async function pair(): Promise<Pair> {
  const random = seeded(`nodes ${seeds++}`);
  const owner = makeDevice(random);
  const made = foundGroup(random, owner);
  const [a, b] = nodes.map((n) => n.port) as [number, number];
  const laptop = new Carrier(owner, made.group, [a, b], random);
  carriers.push(laptop);
  await laptop.go(() => laptop.tell({ is: 'create', re: 1, group: made.group, genesis: made.entry, boxes: made.boxes }));
  await until(() => laptop.heard.some((f) => f.is === 'entered'));
  const entered = laptop.heard.find((f) => f.is === 'entered');
  if (entered?.is !== 'entered') throw new Error('no receipt');
  const first = begin(made.group, made.entry, entered.receipt.time);
  if (!first.ok) throw new Error(first.fault);
  laptop.prove();
  await until(() => laptop.bearer !== null);
  const device = makeDevice(random, owner.member);
  const added = deviceAdd(random, first.value, owner, device);
  laptop.tell({ is: 'boxes', group: made.group, seq: 2, boxes: added.boxes });
  const answer = await laptop.ask((re) => ({ is: 'enter', re, group: made.group, seq: 2, entry: added.entry }));
  if (answer.is !== 'entered') throw new Error(JSON.stringify(answer));
  const state: RosterState = fold(first.value, added.entry, answer.receipt.time).state;
  const phone = new Carrier(device, made.group, [b, a], random);
  carriers.push(phone);
  await phone.go();
  await until(() => phone.bearer !== null);
  const seal = (by: Device, count: number): Bytes[] => {
    const p = pen(by);
    return Array.from({ length: count }, (_, i) => envelope(random, state, p, (added.keys as NonNullable<typeof added.keys>).content, fromText(`post ${i}`)));
  };
  return { group: made.group, state, keys: added.keys as EpochKeys, laptop, phone, seal };
}

/** Both send `count` envelopes while `harm` is done; then each has all of both, once, at the places that were acknowledged. */
async function under(load: Pair, count: number, harm: () => Promise<void>): Promise<void> {
  const both = [load.laptop, load.phone];
  for (const c of both) c.sealed = load.seal(c.device, count);
  for (const c of both) c.pump();
  await until(() => both.every((c) => c.acked.size > count / 10));
  const before = both.map((c) => new Map(c.acked));
  await harm();
  await until(() => both.every((c) => c.acked.size === count), 40_000);
  await until(() => both.every((c) => c.feed.size >= 2 * count), 40_000);
  both.forEach((c, i) => {
    for (const [n, seq] of before[i] as Map<number, number>) expect(c.acked.get(n)).toBe(seq);
    for (const reader of both) {
      expect(reader.feed.size).toBe(2 * count);
      for (const [n, seq] of c.acked) expect(Buffer.compare(reader.feed.get(seq) as Bytes, c.sealed[n - 1] as Bytes)).toBe(0);
    }
  });
}

describe('two relays on one store', () => {
  it('one killed under load: nothing acknowledged is lost, and its devices come back through the other', async () => {
    const load = await pair();
    const { laptop } = load;
    const sessions = (): number => laptop.heard.filter((f) => f.is === 'welcome').length;
    await under(load, 400, async () => {
      const [before, killed] = [sessions(), performance.now()];
      await nodes[0]?.end('SIGKILL');
      await until(() => sessions() > before);
      expect(laptop.port).toBe(nodes[1]?.port);
      // “within seconds”, says OPERATING
      expect(performance.now() - killed).toBeLessThan(10_000);
    });
    expect(load.phone.port).toBe(nodes[1]?.port);
  }, 60_000);

  it('PostgreSQL crashed and started again under load: nothing acknowledged is lost', async () => {
    await under(await pair(), 400, async () => {
      await db.stop();
      await db.start();
    });
  }, 60_000);

  it('NATS stopped: posts and wants still arrive, by asking the store, and at once when it is back; a log that is about to end is held at both', async () => {
    const { group, state, laptop, phone, seal } = await pair();
    await nats.stop();
    const [words, answers] = [seal(laptop.device, 2), seal(phone.device, 2)];
    laptop.sealed = words.slice(0, 1);
    laptop.pump();
    const want = signWant(group, { logPk: laptop.device.logPk, spans: [{ first: 1, last: 1 }] }, laptop.device.logSk);
    expect(await laptop.ask((re) => ({ is: 'want', re, group, want }))).toMatchObject({ is: 'done' });
    // the promise is 15 seconds
    await until(() => phone.feed.size === 1 && phone.heard.some((f) => f.is === 'wants'), 15_000);
    phone.sealed = answers.slice(0, 1);
    phone.pump();
    await until(() => phone.acked.size === 1);
    // a cut-off before that: MOVED, and nobody told the other relay
    const revoked = deviceRevoke(seeded('revoked'), state, laptop.device, phone.device.logPk);
    laptop.tell({ is: 'boxes', group, seq: 3, boxes: revoked.boxes });
    expect(await laptop.ask((re) => ({ is: 'enter', re, group, seq: 3, entry: revoked.entry }))).toMatchObject({ is: 'refused', why: 'moved' });
    phone.sealed = answers;
    phone.pump();
    await until(() => phone.heard.some((f) => f.is === 'refused' && f.why === 'held'));
    const held = phone.heard.find((f) => f.is === 'refused' && f.why === 'held');
    expect(held).toMatchObject({ re: 2, detail: { n: 1 } });
    expect(held?.is === 'refused' && held.detail.fence > 0 && held.detail.fence <= 60_000).toBe(true);
    await nats.start();
    laptop.sealed = words;
    laptop.pump();
    await until(() => phone.feed.size === 3 && laptop.feed.size === 3, 15_000);
  }, 60_000);

  it('an attachment put at one is read at the other, and one that drains says that it is not ready', async () => {
    const { group, laptop, phone } = await pair();
    const bytes = seeded('attachment')(100_000);
    const hasher = blobHasher();
    hasher.add(bytes);
    const path = `/api/blob/${hex(group)}/${hex(hasher.id())}`;
    const at = (c: Carrier): { readonly url: string; readonly headers: { authorization: string } } => ({ url: `http://127.0.0.1:${c.port}${path}`, headers: { authorization: `Bearer ${base64url(c.bearer as Bytes)}` } });
    expect((await fetch(at(laptop).url, { method: 'PUT', body: bytes, headers: at(laptop).headers })).status).toBe(201);
    // whichever relay an address leads to, and whichever gave the bearer
    for (const c of [laptop, phone]) {
      for (const to of [laptop, phone]) {
        const got = await fetch(at(to).url, { headers: at(c).headers });
        expect(Buffer.compare(Buffer.from(await got.arrayBuffer()), bytes)).toBe(0);
      }
    }
    expect((await fetch(at(phone).url, { headers: { authorization: `Bearer ${base64url(seeded('no bearer')(32))}` } })).status).toBe(403);
    const isReady = async (n: Node): Promise<number> => (await fetch(`http://127.0.0.1:${n.port}/readyz`)).status;
    expect(await Promise.all(nodes.map(isReady))).toEqual([200, 200]);
    expect((await statsOf({ folder: '', postgres: db.url })).groups).toBeGreaterThan(0);
    await db.stop();
    await until(async () => (await isReady(nodes[0] as Node)) === 503);
    await db.start();
    await until(async () => (await isReady(nodes[0] as Node)) === 200);
    expect(await nodes[0]?.end('SIGTERM')).toBe(0);
  }, 60_000);

  it('go on under another key once every folder has it, each group when its owner names it, and start with no other', async () => {
    const { group, state: first, keys, laptop, phone } = await pair();
    let state = first;
    const folders = nodes.map((n) => n.folder);
    const old = keysAt(folders[0]!, seeded('none')).pk;
    const kept = mkdtempSync(join(tmpdir(), 'carefold-keys-'));
    for (const c of carriers.splice(0)) c.end();
    expect(await Promise.all(nodes.map((n) => n.end('SIGTERM')))).toEqual([0, 0]);
    const turned = spawnSync(process.execPath, [bundle.admin, 'new-key'], { encoding: 'utf8', env: { ...process.env, ...env(), CAREFOLD_DATA: folders[0] } });
    expect(turned.stdout).toMatch(/^relay.key is another key; the one before is relay.key.1/);
    for (const name of ['relay.key', 'relay.key.1', 'relay.turns']) copyFileSync(join(folders[0]!, name), join(kept, name));
    const now = keysAt(kept, seeded('none'));
    await Promise.all(nodes.map((n) => n.discard()));
    const turn = (): Promise<Node> => startNode(bundle.path, env(), (folder) => { for (const name of readdirSync(kept)) copyFileSync(join(kept, name), join(folder, name)); });
    // the first of them takes the store over, and who was left behind does not start
    nodes = [await turn()];
    await expect(node()).rejects.toThrow(/the store belongs to a relay with another key/);
    nodes.push(await turn());
    const [a, b] = [laptop, phone].map((c, i) => new Carrier(c.device, group, [nodes[i]!.port], seeded(`again ${seeds++}`))) as [Carrier, Carrier];
    for (const c of [a, b]) {
      carriers.push(c);
      await c.go();
      await until(() => c.bearer !== null);
    }
    const enter = async (by: Carrier, made: Made): Promise<RelayPk> => {
      const answer = await by.ask((re) => ({ is: 'enter', re, group, seq: state.seq + 1, entry: made.entry }));
      if (answer.is !== 'entered') throw new Error(JSON.stringify(answer));
      state = fold(state, made.entry, answer.receipt.time, answer.receipt.relayPk).state;
      return answer.receipt.relayPk;
    };
    const named = (by: Carrier): Promise<RelayPk> => enter(by, nameEntry(seeded('name'), state, by.device, keys, 'Named'));
    // at either relay: by the key that the group knows, and, once its owner has named it at one, by the new one at both
    expect([await named(a), await named(b)]).toEqual([old, old]);
    expect(await enter(a, plainEntry(state, a.device, { kind: 'relay', relayPk: now.pk }))).toEqual(now.pk);
    expect([await named(b), await named(a)]).toEqual([now.pk, now.pk]);
    rmSync(kept, { recursive: true });
    // for whichever test follows, the store belongs to the relay that it was
    const sql = postgres(db.url, { max: 1 });
    await sql`UPDATE meta SET value = ${hex(old)} WHERE name = 'relay'`;
    await sql.end();
  }, 60_000);

  it('one whose bucket is not there says so at its start, and goes on', async () => {
    const third = await node(undefined, { CAREFOLD_S3: s3.url.replace('carefold', 'elsewhere') });
    nodes.push(third);
    await until(() => third.said().includes('There is no such bucket as CAREFOLD_S3 names: attachments are refused until there is.'));
    expect((await fetch(`http://127.0.0.1:${third.port}/readyz`)).status).toBe(200);
    expect(nodes[0]!.said()).not.toContain('no such bucket');
  });

  it('one whose folder takes nothing more goes on, and says what it could not write down there', async () => {
    const sql = postgres(db.url, { max: 1 });
    await sql`INSERT INTO tombs VALUES (${Buffer.alloc(32, 7)}, 0, ${Buffer.alloc(9)})`;
    // where its next list of destroyed groups is written before it takes the place of the last
    const third = await node((folder) => mkdirSync(join(folder, 'postgres.tombs.new')));
    nodes.push(third);
    await until(() => /What is done once an hour was cut short: EISDIR.+ It is tried again in an hour\./.test(third.said()));
    expect((await fetch(`http://127.0.0.1:${third.port}/readyz`)).status).toBe(200);
    await sql`DELETE FROM tombs WHERE id = ${Buffer.alloc(32, 7)}`;
    await sql.end();
  });

  it.runIf(spawnSync('openssl', ['version']).status === 0)('hear hints over TLS of a server whose certificate they know, by name and password, and of no other', async () => {
    const kept = mkdtempSync(join(tmpdir(), 'carefold-tls-'));
    const [cert, key] = [join(kept, 'cert.pem'), join(kept, 'key.pem')];
    const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-subj', '/CN=hints', '-addext', 'subjectAltName=DNS:localhost'];
    expect(spawnSync('openssl', made).status).toBe(0);
    const secure = await startNats(() => ['--tls', '--tlscert', cert, '--tlskey', key, '--user', 'care', '--pass', 'fold']);
    const hints = { CAREFOLD_NATS: `tls://care:fold@localhost:${secure.port}` };
    nodes.push(await node(undefined, { ...hints, NODE_EXTRA_CA_CERTS: cert }), await node(undefined, hints));
    await until(() => nodes[2]!.said().includes('Hints of other relays come through.') && nodes[3]!.said().includes('No hints of other relays come through'));
    expect(nodes[3]!.said()).not.toContain('Hints of other relays');
    await secure.discard();
    rmSync(kept, { recursive: true });
  }, 60_000);

  it('refuse a relay with another key, and one without any is left without', async () => {
    let folder = '';
    for (const seed of [seeded('another')(32), null]) {
      const other = startNode(bundle.path, env(), (own) => {
        folder = own;
        if (seed !== null) writeFileSync(join(own, 'relay.key'), seed);
      });
      await expect(other).rejects.toThrow(/^1 The store in PostgreSQL cannot be opened: the store belongs to a relay with another key/);
      expect(readdirSync(folder).includes('relay.key')).toBe(seed !== null);
      const life = spawnSync(process.execPath, [bundle.admin, 'new-life'], { encoding: 'utf8', env: { ...process.env, ...env(), CAREFOLD_DATA: folder } });
      expect([life.stderr, life.status]).toEqual([expect.stringMatching(/^It was not done: the store belongs to a relay with another key/), 1]);
      expect(readdirSync(folder).includes('relay.key')).toBe(seed !== null);
      rmSync(folder, { recursive: true });
    }
    // nor is there one where the store could not be asked
    const unheard = startNode(bundle.path, { ...env(), CAREFOLD_POSTGRES: 'postgres://carefold@127.0.0.1:9/carefold' }, (own) => void (folder = own));
    await expect(unheard).rejects.toThrow(/^1 The store in PostgreSQL cannot be opened: /);
    expect(readdirSync(folder)).not.toContain('relay.key');
    rmSync(folder, { recursive: true });
  }, 60_000);
});
