import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DatabaseSync } from '@photostructure/sqlite';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { proveAccess } from '../../../crypto/access';
import type { Bytes } from '../../../crypto/brand';
import { fromText } from '../../../crypto/bytes';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../../crypto/frames';
import { begin, fold } from '../../../crypto/roster/fold';
import type { RosterState } from '../../../crypto/roster/state';
import { ready } from '../../../crypto/sodium';
import { admitEntry, type Device, envelope, foundGroup, inviteEntry, type Made, makeDevice, newRow, pen, removeEntry, seeded } from '../../support/actor';
import { until } from '../../support/engines';
import { freePort } from '../../support/free-port';
import { startPushService } from '../../support/push-service';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bundle = join(root, 'node_modules/.cache', `relay-${process.pid}`);
let folder: string;
let child: ChildProcess | undefined;
let seeds = 0;
const random = () => seeded(`process ${seeds++}`);

beforeAll(async () => {
  await ready();
  mkdirSync(bundle, { recursive: true });
  const entryPoints = { relay: join(root, 'relay/main.ts'), 'log-worker': join(root, 'relay/log-worker.ts') };
  await build({ entryPoints, bundle: true, platform: 'node', target: 'node20', format: 'esm', packages: 'external', outdir: bundle, logLevel: 'error' });
});
afterAll(() => rmSync(bundle, { recursive: true, force: true }));
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'carefold-process-'))));
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Running { readonly port: number; readonly said: () => string; readonly ended: Promise<number | null> }
function run(env: Record<string, string> = {}): Promise<Running> {
  const started = spawn(process.execPath, [join(bundle, 'relay.js')], { cwd: root, env: { ...process.env, PORT: '0', HOST: '127.0.0.1', CAREFOLD_DATA: folder, CAREFOLD_PACE: '0', ...env } });
  child = started;
  let said = '';
  const ended = new Promise<number | null>((done) => started.once('exit', done));
  return new Promise((done, fail) => {
    const hear = (chunk: Buffer): void => {
      said += chunk.toString();
      const port = /ready at http:\/\/127\.0\.0\.1:(\d+)[\s\S]*lives in/.exec(said)?.[1];
      if (port !== undefined) done({ port: Number(port), said: () => said, ended });
    };
    started.stdout.on('data', hear);
    started.stderr.on('data', hear);
    void ended.then((code) => fail(new Error(`${code} ${said.trim()}`)));
  });
}

/** A device on a real socket. */
async function connect(port: number, device: Device, made: Made & { readonly group: Bytes }, state?: RosterState) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  const heard: FromRelay[] = [];
  const waiting: ((f: FromRelay) => boolean)[] = [];
  ws.on('message', (m: Buffer) => {
    const f = decodeFromRelay(new Uint8Array(m));
    if (!f.ok) throw new Error('unreadable');
    heard.push(f.value);
    for (const w of [...waiting]) if (w(f.value)) waiting.splice(waiting.indexOf(w), 1);
  });
  const next = <K extends FromRelay['is']>(is: K): Promise<Extract<FromRelay, { is: K }>> =>
    new Promise((done) => waiting.push((f) => (f.is === is ? (done(f as Extract<FromRelay, { is: K }>), true) : false)));
  const tell = (f: ToRelay): void => ws.send(encodeToRelay(f));
  const hello = await next('hello');
  const group = made.group as RosterState['group'];
  const entered = next('entered');
  tell({ is: 'create', re: 1, group, genesis: made.entry, boxes: made.boxes });
  const { receipt } = await entered;
  const welcome = next('welcome');
  const nonce = random()(32);
  const proof = { as: 'log', host: `127.0.0.1:${port}`, group, serverNonce: hello.nonce, nonce } as const;
  tell({ is: 'auth', re: 2, group, as: 'log', key: device.logPk, nonce, signature: proveAccess(proof, device.logSk) });
  const folded = begin(group, made.entry, receipt.time);
  if (!folded.ok) throw new Error(folded.fault);
  return { ws, heard, next, tell, welcome: await welcome, receipt, state: state ?? folded.value };
}

describe('the relay as a process', () => {
  it('killed in the middle of a burst has kept everything that it acknowledged, once', async () => {
    const device = makeDevice(random());
    const made = foundGroup(random(), device);
    const first = await run();
    const a = await connect(first.port, device, made);
    const p = pen(device);
    const sealing = random();
    const sent: Bytes[] = [];
    for (let i = 0; i < 3000; i++) sent.push(envelope(sealing, a.state, p, (made.keys as NonNullable<typeof made.keys>).content, fromText(`post ${i}`)));
    const acked = new Map<number, number>();
    const enough = new Promise<void>((done) => {
      a.ws.on('message', (m: Buffer) => {
        const f = decodeFromRelay(new Uint8Array(m));
        if (f.ok && f.value.is === 'acks') for (const i of f.value.items) acked.set(i.n, i.seq);
        if (acked.size > 1000) done();
      });
    });
    sent.forEach((bytes, i) => a.tell({ is: 'append', group: a.state.group, n: i + 1, envelope: bytes }));
    await enough;
    child?.kill('SIGKILL');
    await first.ended;

    const second = await run();
    const b = await connect(second.port, device, made);
    expect(b.receipt).toEqual(a.receipt);
    expect(b.welcome.head.n).toBeGreaterThanOrEqual(acked.size);
    const kept = new Map<number, { seq: number; bytes: Bytes }>();
    for (let from = 0; ; ) {
      const answer = b.next('page');
      b.tell({ is: 'fetch', re: 9, group: a.state.group, way: 'up', from, most: 500 });
      const page = await answer;
      for (const i of page.items) {
        expect(kept.has(i.n)).toBe(false);
        kept.set(i.n, { seq: i.seq, bytes: i.envelope });
        from = i.seq;
      }
      if (!page.more) break;
    }
    for (const [n, seq] of acked) {
      expect(kept.get(n)?.seq).toBe(seq);
      expect(Buffer.compare(kept.get(n)?.bytes as Bytes, sent[n - 1] as Bytes)).toBe(0);
    }
    b.ws.terminate();
  });

  it('ends at once and cleanly when asked to, and logs no address, no key and no group', async () => {
    const device = makeDevice(random());
    const made = foundGroup(random(), device);
    const one = await run();
    const a = await connect(one.port, device, made);
    a.ws.send(new Uint8Array([250]));
    await a.next('refused');
    child?.kill('SIGINT');
    expect(await one.ended).toBe(0);
    const lines = one.said().trim().split('\n');
    expect(lines.slice(2)).toEqual(['Refused while it ran: malformed 1.']);
  });

  it('sends devices away one after the other when it drains: alive, not ready, and ended cleanly', async () => {
    const one = await run({ CAREFOLD_DRAIN: '3' });
    const at = `http://127.0.0.1:${one.port}`;
    const status = async (path: string): Promise<number> => (await fetch(`${at}${path}`)).status;
    const sockets: WebSocket[] = [];
    for (let i = 0; i < 3; i++) {
      const device = makeDevice(random());
      sockets.push((await connect(one.port, device, foundGroup(random(), device))).ws);
    }
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200]);
    const closed = sockets.map((ws) => new Promise<number>((done) => ws.once('close', done)));
    const isOpen = (): boolean[] => sockets.map((ws) => ws.readyState === WebSocket.OPEN);
    child?.kill('SIGTERM');
    expect(await closed[0]).toBe(1001);
    expect(isOpen()).toEqual([false, true, true]);
    expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 503]);
    const late = new WebSocket(`${at.replace('http', 'ws')}/ws`);
    expect(await new Promise((done) => late.on('error', done))).toMatchObject({ message: 'Unexpected server response: 503' });
    expect(await closed[1]).toBe(1001);
    expect(isOpen()).toEqual([false, false, true]);
    expect(await closed[2]).toBe(1001);
    expect(await one.ended).toBe(0);
    expect(one.said()).toContain('Sending devices away within 3 seconds.');
  });

  it('shows figures where it is told to, and nowhere else', async () => {
    const figuresPort = await freePort();
    const one = await run({ CAREFOLD_METRICS: `127.0.0.1:${figuresPort}` });
    const device = makeDevice(random());
    const made = foundGroup(random(), device);
    const a = await connect(one.port, device, made);
    const acks = a.next('acks');
    a.tell({ is: 'append', group: a.state.group, n: 1, envelope: envelope(random(), a.state, pen(device), (made.keys as NonNullable<typeof made.keys>).content, fromText('words')) });
    await acks;
    const shown = await fetch(`http://127.0.0.1:${figuresPort}/metrics`);
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const lines = (await shown.text()).split('\n');
    for (const line of ['carefold_sockets 1', 'carefold_sessions 1', 'carefold_envelopes_stored_total 1', 'carefold_draining 0']) expect(lines).toContain(line);
    expect((await fetch(`http://127.0.0.1:${figuresPort}/`)).status).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${one.port}/metrics`)).text()).not.toContain('carefold_sockets');
    a.ws.terminate();
  });

  it('keeps its key readable by its owner alone, and is the same relay after a restart', async () => {
    const device = makeDevice(random());
    const made = foundGroup(random(), device);
    const one = await run();
    const a = await connect(one.port, device, made);
    child?.kill('SIGTERM');
    await one.ended;
    expect(statSync(join(folder, 'relay.key')).mode & 0o077).toBe(0);
    const two = await run();
    const b = await connect(two.port, device, made);
    expect(b.heard[0]).toMatchObject({ relayPk: a.receipt.relayPk, incarnation: a.receipt.incarnation });
    b.ws.terminate();
  });

  it('keeps its store for whoever runs it alone', async () => {
    await run();
    for (const name of ['relay.db', 'relay.db-wal', 'relay.db.lock', 'relay.key']) expect([name, statSync(join(folder, name)).mode & 0o077]).toEqual([name, 0]);
  });

  it('says in one line that the port is taken or the folder cannot be written', async () => {
    const holder = createServer();
    const port = await new Promise<number>((done) => holder.listen(0, '127.0.0.1', () => done((holder.address() as { port: number }).port)));
    await expect(run({ PORT: String(port) })).rejects.toThrow(/^1 Port \d+ is already in use\. Choose another one with PORT\.$/);
    holder.close();
    await expect(run({ CAREFOLD_DATA: '/proc/none' })).rejects.toThrow(/^1 The folder \/proc\/none cannot be written\. Choose another one with CAREFOLD_DATA\.$/);
  });

  it('writes down once a minute, in its own form, that it could not open a file of the app', async () => {
    const build = join(folder, 'build');
    mkdirSync(build);
    const one = await run({ CAREFOLD_STATIC: build, CAREFOLD_LOG: 'json' });
    // it is there, and nobody can open it
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(join(build, 'a.js'), done));
    for (let i = 0; i < 5; i++) await fetch(`http://127.0.0.1:${one.port}/a.js`).then((r) => r.text()).catch(() => '');
    holder.close();
    // what it says of its start may come after its address
    const lines = (): string[] => one.said().split('\n').slice(0, -1).filter((line) => line.includes('cut'));
    await until(() => lines().length > 0);
    // a connection that was cut short may only now be found closed
    await until(() => fetch(`http://127.0.0.1:${one.port}/healthz`).then((r) => r.status === 200, () => false));
    expect(lines().map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: 'warn', what: 'cut-short', words: 'An answer was cut short: ENXIO.' }]);
  });

  it('counts people by their own address behind a proxy elsewhere that it was told of, and believes no other', async () => {
    const one = await run({ CAREFOLD_FROM: '1', CAREFOLD_PROXIES: '127.0.0.2' });
    const open: WebSocket[] = [];
    const comes = (person: string, through: string): Promise<number> => {
      const ws = new WebSocket(`ws://127.0.0.1:${one.port}/ws`, { localAddress: through, headers: { 'x-forwarded-for': person } });
      open.push(ws);
      return new Promise((done, fail) => {
        ws.once('open', () => done(101));
        ws.once('unexpected-response', (_, x) => done(x.statusCode ?? 0));
        ws.once('error', fail);
      });
    };
    expect([await comes('198.51.100.7', '127.0.0.2'), await comes('198.51.100.8', '127.0.0.2'), await comes('198.51.100.7', '127.0.0.2')]).toEqual([101, 101, 503]);
    expect([await comes('198.51.100.1', '127.0.0.3'), await comes('198.51.100.2', '127.0.0.3')]).toEqual([101, 503]);
    for (const ws of open) ws.terminate();
  });

  it('rings a device that is away, however it wrote its place, without a word that was planted, a name or a key in what it sends or prints; and no more once it is out', async () => {
    const service = await startPushService(() => Date.now());
    try {
      const [olivia, pat] = [makeDevice(random()), makeDevice(random())];
      const made = foundGroup(random(), olivia, { group: 'PLANTED-GROUP' });
      const one = await run({ CAREFOLD_CONTACT: 'mailto:operator@example.org', CAREFOLD_PUSH: service.origin, CAREFOLD_PUSH_WITHIN: '0' });
      const a = await connect(one.port, olivia, made);
      const { group } = a.state;
      let state = a.state;
      const enter = async ({ entry, boxes }: Made): Promise<void> => {
        const entered = a.next('entered');
        if (boxes.length > 0) a.tell({ is: 'boxes', group, seq: state.seq + 1, boxes });
        a.tell({ is: 'enter', re: 3, group, seq: state.seq + 1, entry });
        const { receipt } = await entered;
        state = fold(state, entry, receipt.time).state;
      };
      const invited = inviteEntry(random(), state, olivia, made.keys as NonNullable<typeof made.keys>);
      await enter(invited);
      const admitted = admitEntry(random(), state, olivia, invited.invite.invite, newRow(group, invited.invite, pat));
      await enter(admitted);
      const b = await connect(one.port, pat, made);
      const bell = b.next('bell');
      b.tell({ is: 'get-bell', re: 4, group });
      const { key } = await bell;
      const done = b.next('done');
      const place = service.place();
      b.tell({ is: 'put-bell', re: 5, group, place: place.replace('http://', 'http:////') });
      await done;
      b.ws.terminate();
      const p = pen(olivia);
      const post = async (): Promise<void> => {
        const acks = a.next('acks');
        a.tell({ is: 'append', group, n: p.n + 1, envelope: envelope(random(), state, p, (admitted.keys as NonNullable<typeof admitted.keys>).content, fromText('PLANTED-WORDS')) });
        await acks;
      };
      await post();
      await until(() => service.sent.length === 1);
      const [sent] = service.sent;
      expect(sent?.place).toBe(place);
      expect(sent?.headers.authorization).toContain(`k=${Buffer.from(key).toString('base64url')}`);
      expect(sent?.body).toHaveLength(0);
      const hidden = ['PLANTED', ...[group, olivia.logPk, pat.logPk, olivia.member, pat.member].flatMap((id) => (['hex', 'base64', 'base64url'] as const).map((how) => Buffer.from(id).toString(how).slice(0, 16)))];
      for (const where of [sent?.raw ?? '', one.said()]) expect(hidden.filter((word) => where.includes(word))).toEqual([]);
      expect(one.said()).not.toContain('/push/');
      await enter(removeEntry(random(), state, olivia, pat.member));
      child?.kill('SIGTERM');
      await one.ended;
      const db = new DatabaseSync(join(folder, 'relay.db'));
      expect(db.prepare('SELECT count(*) AS n FROM bells').get()).toEqual({ n: 0 });
      db.close();
      expect(service.sent).toHaveLength(1);
    } finally {
      await service.close();
    }
  });

  it('keeps no word that was posted, in any file', async () => {
    const device = makeDevice(random());
    const made = foundGroup(random(), device, { group: 'PLANTED-GROUP' });
    const one = await run();
    const a = await connect(one.port, device, made);
    const acks = a.next('acks');
    a.tell({ is: 'append', group: a.state.group, n: 1, envelope: envelope(random(), a.state, pen(device), (made.keys as NonNullable<typeof made.keys>).content, fromText('PLANTED-WORDS')) });
    await acks;
    child?.kill('SIGTERM');
    await one.ended;
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    expect(files.length).toBeGreaterThan(1);
    for (const f of files) expect(readFileSync(join(f.parentPath, f.name)).includes('PLANTED'), f.name).toBe(false);
  });
});
