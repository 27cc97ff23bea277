/** A relay's folder, as processes find it: one relay's at a time, with the key that its groups know. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { base64url, hex } from '../../../../crypto/bytes';
import type { Bytes } from '../../../../crypto/brand';
import { blobHasher } from '../../../../crypto/kept';
import { ready } from '../../../../crypto/sodium';
import { foundGroup, makeDevice, seeded } from '../../../support/actor';
import { Carrier } from '../../../support/carrier';
import { type Engine, startPostgres, startS3, until } from '../../../support/engines';
import { bundleRelay, type Node, startNode } from '../../../support/node';

let bundle: Awaited<ReturnType<typeof bundleRelay>>;
let db: Engine;
let s3: Engine;
let node: Node;
let carrier: Carrier;
const others: Node[] = [];

beforeAll(async () => {
  await ready();
  [bundle, db, s3] = await Promise.all([bundleRelay(), startPostgres(), startS3()]);
}, 60_000);
afterAll(async () => {
  await Promise.all([db.discard(), s3.discard()]);
  bundle.discard();
}, 30_000);
afterEach(async () => {
  carrier.end();
  await Promise.all([...others.splice(0), node].map((n) => n.discard()));
}, 30_000);

const shared = (): Record<string, string> => ({ CAREFOLD_POSTGRES: db.url, CAREFOLD_S3: s3.url, CAREFOLD_S3_KEY: 'S3RVER', CAREFOLD_S3_SECRET: 'S3RVER' });

const IN_USE = /^A relay is using this folder\. Stop it first\.\n$/;

/** A relay in a folder of its own, with a group. */
async function begin(env: Readonly<Record<string, string>> = {}): Promise<void> {
  node = await startNode(bundle.path, env);
  const random = seeded('folder');
  const device = makeDevice(random);
  const made = foundGroup(random, device);
  carrier = new Carrier(device, made.group, [node.port], random);
  await carrier.go(() => carrier.tell({ is: 'create', re: 1, group: made.group, genesis: made.entry, boxes: made.boxes }));
  await until(() => carrier.heard.some((f) => f.is === 'entered'));
  carrier.prove();
  await until(() => carrier.bearer !== null);
}
/** Another relay in the same folder, or the same again. */
async function again(env: Readonly<Record<string, string>> = {}): Promise<Node> {
  const other = await startNode(bundle.path, { ...env, CAREFOLD_DATA: node.folder });
  others.push(other);
  return other;
}

/** The carrier's device puts an attachment there, and does `meanwhile` in the middle; what it is answered. */
async function put(bytes: Bytes, meanwhile: () => Promise<void>): Promise<number | undefined> {
  const hasher = blobHasher();
  hasher.add(bytes);
  const headers = { authorization: `Bearer ${base64url(carrier.bearer as Bytes)}`, 'content-length': bytes.length };
  const asking = request({ port: node.port, host: '127.0.0.1', method: 'PUT', path: `/api/blob/${hex(carrier.group)}/${hex(hasher.id())}`, headers });
  const answer = new Promise<IncomingMessage>((done, fail) => asking.once('response', done).once('error', fail));
  asking.write(bytes.subarray(0, bytes.length / 2));
  await meanwhile();
  asking.end(bytes.subarray(bytes.length / 2));
  return (await answer).resume().statusCode;
}

describe.each([['SQLite', () => ({}), 'blobs/coming'], ['PostgreSQL', shared, 'coming']] as const)('a folder of a relay with %s', (_, env, coming) => {
  it('is one relay’s at a time: what comes second touches nothing of the first’s', async () => {
    await begin(env());
    const onTheWay = (): readonly string[] => readdirSync(join(node.folder, coming));
    const status = await put(seeded('attachment')(200_000), async () => {
      await until(() => onTheWay().length === 1);
      const there = onTheWay();
      await expect(again(env())).rejects.toThrow(/^1 The store in .+ cannot be opened: another relay is using it\.$/);
      const key = readFileSync(join(node.folder, 'relay.key'));
      for (const [what, words] of [['purge', /^The store cannot be opened: another relay is using it\. .+ stop it first\.\n$/], ['new-key', IN_USE], ...('CAREFOLD_POSTGRES' in env() ? [['new-life', IN_USE] as const] : [])] as const) {
        const said = spawnSync(process.execPath, [bundle.admin, what], { encoding: 'utf8', env: { ...process.env, ...env(), CAREFOLD_DATA: node.folder } });
        expect([said.stdout, said.stderr, said.status]).toEqual(['', expect.stringMatching(words), 1]);
      }
      expect([Buffer.compare(readFileSync(join(node.folder, 'relay.key')), key), existsSync(join(node.folder, 'relay.key.1'))]).toEqual([0, false]);
      expect(onTheWay()).toEqual(there);
    });
    expect([status, onTheWay()]).toEqual([201, []]);
    // nobody holds it once that one has ended, however it did
    await node.end('SIGKILL');
    const next = await again(env());
    expect(await next.end('SIGTERM')).toBe(0);
    await (await again(env())).end('SIGKILL');
  }, 120_000);
});

describe('the key of a relay with SQLite', () => {
  it('is made while there is no group, and by no accident another for groups that know it', async () => {
    await begin();
    await node.end('SIGTERM');
    const [key, away] = [join(node.folder, 'relay.key'), join(node.folder, 'away')];
    copyFileSync(key, away);
    rmSync(key);
    const lost = /^1 The store in .+ cannot be opened: relay\.key is not there, and the groups here know the relay by it\. Put it back; .+\.$/;
    await expect(again()).rejects.toThrow(lost);
    await expect(again()).rejects.toThrow(lost);
    expect(readdirSync(node.folder).filter((name) => name.startsWith('relay.key'))).toEqual([]);
    writeFileSync(key, seeded('another')(32));
    await expect(again()).rejects.toThrow(/^1 The store in .+ cannot be opened: relay\.key is another key than the one that groups here know the relay by\. Put that one back; .+\.$/);
    copyFileSync(away, key);
    expect(await (await again()).end('SIGTERM')).toBe(0);
    // one that the operator changed is known by the one before it, even when that is gone
    const turned = spawnSync(process.execPath, [bundle.admin, 'new-key'], { encoding: 'utf8', env: { ...process.env, CAREFOLD_DATA: node.folder } });
    expect(turned.status).toBe(0);
    expect(await (await again()).end('SIGTERM')).toBe(0);
    rmSync(`${key}.1`);
    expect(await (await again()).end('SIGTERM')).toBe(0);
  }, 120_000);
});
