/** One connection to a real PostgreSQL: what becomes of a transaction whose connection goes while it runs. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Sql } from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectTo, isOutage, Line, type Rows, unfit } from '../../../../relay/postgres';
import { type Engine, startPostgres } from '../../../support/engines';

let server: Engine;
let other: Sql;
let line: Line;

beforeAll(async () => {
  server = await startPostgres();
  other = connectTo(server.url);
}, 60_000);
afterAll(async () => {
  await other.end();
  await server.discard();
}, 30_000);
beforeEach(async () => {
  await other.unsafe('CREATE TABLE t (a int)');
  line = new Line(server.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await line.close();
  await other.unsafe('DROP TABLE t');
});

const kept = async (): Promise<unknown> => (await other.unsafe('SELECT a FROM t ORDER BY a')).map((f) => f['a']);
const put = (rows: Rows, a: number): Promise<unknown> => rows('INSERT INTO t VALUES (?)', [a]);
const nothing = (): Promise<null> => Promise.resolve(null);

describe('a transaction', () => {
  it('outlives the hour or so after which the driver would end its connection by itself', async () => {
    vi.stubEnv('PGMAX_LIFETIME', '1');
    await line.transaction(async (rows) => {
      await put(rows, 1);
      await rows('SELECT pg_sleep(1.5)', []);
      await put(rows, 2);
    }, nothing);
    expect(await kept()).toEqual([1, 2]);
    await expect(line.transaction(async (rows) => {
      await put(rows, 3);
      await rows('SELECT pg_sleep(1.5)', []);
      await put(rows, 4);
      throw new Error('no');
    }, nothing)).rejects.toThrow('no');
    expect(await kept()).toEqual([1, 2]);
  });

  it('whose connection goes between two statements comes to nothing: what it would still do goes over no other', async () => {
    const cut = async (rows: Rows): Promise<void> => {
      await put(rows, 1);
      const [own] = await rows('SELECT pg_backend_pid() AS pid', []);
      await other.unsafe('SELECT pg_terminate_backend($1)', [own?.['pid'] as number]);
      await new Promise((done) => setTimeout(done, 300));
    };
    await expect(line.transaction(async (rows) => {
      await cut(rows);
      await put(rows, 2);
    }, nothing)).rejects.toThrow();
    // nor is it taken for kept when nothing was left to do
    await expect(line.transaction(cut, nothing)).rejects.toThrow();
    expect(await kept()).toEqual([]);
    await line.transaction((rows) => put(rows, 5), nothing);
    expect(await kept()).toEqual([5]);
  });
});

it('a server that no way leads to is an outage, in the system’s word for it, and so are several that are all away', async () => {
  const asked = async (url: string): Promise<unknown> => {
    const far = new Line(url, 5000);
    try {
      return await far.read((rows) => rows('SELECT 1', [])).catch((e: unknown) => [isOutage(e), (e as { code?: string }).code]);
    } finally {
      await far.close();
    }
  };
  // the broadcast address: refused by the system before anything is sent
  expect(await asked('postgres://a@255.255.255.255/x')).toEqual([true, expect.stringMatching(/^E(NETUNREACH|ACCES|HOSTUNREACH)$/)]);
  const began = performance.now();
  expect(await asked('postgres://a@127.0.0.1:1,127.0.0.1:2/x')).toEqual([true, expect.any(String)]);
  expect(performance.now() - began).toBeLessThan(4000);
});

it('the first of several that can be reached is taken', async () => {
  const { host, pathname, username } = new URL(server.url);
  const far = new Line(`postgres://${username}@127.0.0.1:1,${host}${pathname}`);
  expect(await far.read((rows) => rows('SELECT 1 AS one', []))).toEqual([{ one: 1 }]);
  await far.close();
});

describe('a server that goes without a word', () => {
  let between: Server;
  const pairs: (readonly [Socket, Socket])[] = [];
  beforeEach(async () => {
    between = createServer((a) => {
      const b = connect(Number(new URL(server.url).port), '127.0.0.1');
      pairs.push([a, b]);
      for (const s of [a, b]) s.on('error', () => s.destroy());
      a.pipe(b).pipe(a);
    });
    await new Promise<void>((done) => between.listen(0, '127.0.0.1', done));
  });
  afterEach(() => {
    for (const s of pairs.splice(0).flat()) s.destroy();
    between.close();
  });

  it('is waited for so long and no longer, and another connection is made then; one that is only slow is not given up', async () => {
    const url = new URL(server.url);
    url.port = String((between.address() as AddressInfo).port);
    const far = new Line(url.href, 3000);
    const ask = (): Promise<unknown> => far.read((rows) => rows('SELECT 1 AS one', []));
    try {
      // each of them answers in time, all of them together do not
      await far.read((rows) => Promise.all([1, 2, 3].map(() => rows('SELECT pg_sleep(1.3)', []))));
      for (const [a, b] of pairs) for (const s of [a, b]) s.unpipe().resume();
      await expect(ask()).rejects.toThrow();
      expect(await ask()).toEqual([{ one: 1 }]);
      // an idle one waits for nothing
      await new Promise((done) => setTimeout(done, 3500));
      const many = pairs.length;
      expect(await ask()).toEqual([{ one: 1 }]);
      expect(pairs.length).toBe(many);
    } finally {
      await far.close();
    }
  });
});

it('is refused where its address turns durable commits off', async () => {
  const url = new URL(server.url);
  url.searchParams.set('synchronous_commit', 'off');
  const sql = connectTo(url.href);
  try {
    expect(await unfit(sql)).toBe('the store is not durable: synchronous_commit is off');
  } finally {
    await sql.end();
  }
});
