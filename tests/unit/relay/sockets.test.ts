import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect as dial, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { base64url, hex } from '../../../crypto/bytes';
import { decodeFromRelay, type FromRelay } from '../../../crypto/frames';
import { blobId } from '../../../crypto/kept';
import { LIMIT } from '../../../crypto/limits';
import { ready } from '../../../crypto/sodium';
import type { Bytes } from '../../../crypto/brand';
import { createApp } from '../../../relay/app';
import { blobFiles } from '../../../relay/blob-files';
import { sweepBlobs } from '../../../relay/blob-routes';
import type { Blobs } from '../../../relay/blobs';
import { Doors, proxiesOf } from '../../../relay/doors';
import { allowedHosts } from '../../../relay/hosts';
import { RATE } from '../../../relay/limits';
import { takeRequests } from '../../../relay/requests';
import { takeSockets, type Sockets } from '../../../relay/socket';
import { type Device, makeDevice, removeEntry, seeded } from '../../support/actor';
import { Phone, rhea, type Rhea, Scene, settled } from './phone';

let r: Rhea;
let s: Scene;
let olivia: Device;
let server: Server;
let sockets: Sockets;
let port: number;
let folder: string;
let blobs: Blobs;
const open: WebSocket[] = [];

beforeAll(ready);
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'carefold-sockets-'));
  r = rhea('sockets');
  olivia = makeDevice(seeded('olivia'));
  s = await Scene.begin(r, olivia);
  blobs = await blobFiles(join(folder, 'blobs'));
  const listener = getRequestListener(createApp(r.relay, blobs, folder).fetch);
  server = createServer();
  takeRequests(server, listener, new Doors(2, 0, () => r.now), proxiesOf([]));
  sockets = takeSockets(server, r.relay, allowedHosts({ host: '127.0.0.1', publicUrl: 'https://care.example', origins: ['https://app.example'] }), new Doors(2, 0, () => r.now), proxiesOf([]));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  for (const ws of open.splice(0)) ws.terminate();
  sockets.close(0);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

/** A real socket as the `relay` that a Phone speaks to. */
async function phone(more: WebSocket.ClientOptions = {}): Promise<{ phone: Phone; ws: WebSocket; next: (is: FromRelay['is']) => Promise<FromRelay> }> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, more);
  open.push(ws);
  const waiting: { is: string; done: (f: FromRelay) => void }[] = [];
  let give: (b: Bytes) => void = () => undefined;
  const early: Bytes[] = [];
  ws.on('message', (m: Buffer) => {
    const bytes = new Uint8Array(m) as Bytes;
    give(bytes);
    const f = decodeFromRelay(bytes);
    if (!f.ok) throw new Error('unreadable');
    const at = waiting.findIndex((w) => w.is === f.value.is);
    if (at >= 0) waiting.splice(at, 1)[0]?.done(f.value);
  });
  give = (b) => void early.push(b);
  await new Promise((done, fail) => {
    ws.once('message', done);
    ws.once('error', fail);
    ws.once('unexpected-response', (_, response) => fail(new Error(String(response.statusCode))));
  });
  const relay = {
    ...r.relay,
    connect(send: (f: Bytes) => void) {
      give = send;
      for (const b of early) send(b);
      return { receive: (f: Uint8Array) => (ws.send(f), 0), close: () => ws.close(), proven: true, isHopeless: false };
    }
  };
  return {
    phone: new Phone(relay, r.random, `127.0.0.1:${port}`),
    ws,
    next: (is) => new Promise((done) => waiting.push({ is, done }))
  };
}
async function inSession(device = olivia) {
  const p = await phone();
  const welcome = p.next('welcome');
  void p.phone.as(device, s.group).catch(() => undefined);
  return { ...p, welcome: (await welcome) as Extract<FromRelay, { is: 'welcome' }> };
}
/** Until nothing more of what was written to a line leaves. */
async function isFull(line: Duplex & { readonly bytesWritten: number }): Promise<void> {
  let before = -1;
  await expect.poll(() => before > 0 && line.writableLength > 0 && line.bytesWritten === before || ((before = line.bytesWritten), false), { interval: 200, timeout: 10_000 }).toBe(true);
}
const closed = (ws: WebSocket): Promise<number> => new Promise((done) => ws.once('close', done));

describe('the socket', () => {
  it('greets, lets a device in, and carries envelopes both ways', async () => {
    const a = await inSession();
    const acks = a.next('acks');
    const bytes = s.seal(olivia);
    a.phone.tell({ is: 'append', group: s.group, n: 1, envelope: bytes });
    expect(await acks).toMatchObject({ items: [{ n: 1, seq: 1 }] });
    expect(s.phone.of('page')).toMatchObject([{ items: [{ envelope: bytes }] }]);
    const page = a.next('page');
    await s.post(s.phone, olivia);
    expect(await page).toMatchObject({ items: [{ n: 2 }] });
  });

  it('carries frames of every size', async () => {
    const a = await inSession();
    const b = await inSession();
    for (const size of [1, 100, 200, 60_000]) {
      const page = b.next('page');
      const bytes = s.seal(olivia, 'x'.repeat(size));
      a.phone.tell({ is: 'append', group: s.group, n: s.pen(olivia).n, envelope: bytes });
      expect(await page).toMatchObject({ items: [{ envelope: bytes }] });
    }
  });

  it('refuses another path, a foreign host and a foreign page', async () => {
    const refused = async (more: WebSocket.ClientOptions, path = '/ws'): Promise<string> => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, more);
      return new Promise((done) => {
        ws.once('unexpected-response', (_, x) => (done(String(x.statusCode)), ws.terminate()));
        ws.once('open', () => (done('open'), ws.terminate()));
        ws.on('error', () => undefined);
      });
    };
    expect(await refused({}, '/other')).toBe('404');
    expect(await refused({ headers: { host: 'evil.example' } })).toBe('421');
    expect(await refused({ origin: 'https://evil.example' })).toBe('403');
    expect(await refused({ origin: 'https://app.example' })).toBe('open');
    expect(await refused({ origin: `http://127.0.0.1:${port}` })).toBe('open');
    expect(await refused({ headers: { host: 'care.example' }, origin: 'https://care.example' })).toBe('open');
  });

  it('lets in so many from one address, says when to come again, and takes the next when one has gone', async () => {
    const from = (address: string): Promise<{ ws: WebSocket; status: number; after: string | undefined }> => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { 'x-forwarded-for': address } });
      open.push(ws);
      return new Promise((done) => {
        ws.once('open', () => done({ ws, status: 101, after: undefined }));
        ws.once('unexpected-response', (_, x) => done({ ws, status: x.statusCode ?? 0, after: x.headers['retry-after'] }));
        ws.on('error', () => undefined);
      });
    };
    const first = await from('203.0.113.9, 198.51.100.7');
    await from('198.51.100.7');
    expect(await from('198.51.100.7')).toMatchObject({ status: 503, after: '30' });
    expect(await from('198.51.100.8')).toMatchObject({ status: 101 });
    first.ws.terminate();
    await expect.poll(async () => (await from('198.51.100.7')).status).toBe(101);
  });

  it('answers an upgrade that is no WebSocket and goes on', async () => {
    const raw = dial(port, '127.0.0.1');
    const said = new Promise<string>((done) => raw.once('data', (d) => done(d.toString())));
    raw.write(`GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
    expect(await said).toMatch(/^HTTP\/1\.1 4\d\d/);
    raw.destroy();
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });

  it('that is refused is closed from this side, whether the other closes its own or reads its answer or not', async () => {
    const there = (): Promise<number> => new Promise((done, fail) => server.getConnections((e, n) => (e === null ? done(n) : fail(e))));
    const ask = `GET /other HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const reads = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
    const said = new Promise<string>((done) => reads.once('data', (d) => done(d.toString())));
    reads.write(ask);
    expect(await said).toMatch(/^HTTP\/1\.1 404/);
    await expect.poll(there).toBe(0);
    // what it asked for before fills the line, so that the refusal stays behind it
    await writeFile(join(folder, 'index.html'), Buffer.alloc(16 * 1024 * 1024));
    const deaf = dial({ port, host: '127.0.0.1', allowHalfOpen: true });
    deaf.pause();
    const line = new Promise<Duplex & { readonly bytesWritten: number }>((done) => server.once('connection', done));
    deaf.write(`GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await isFull(await line);
    deaf.write(ask);
    expect(await there()).toBe(1);
    await expect.poll(there, { timeout: 10_000 }).toBe(0);
    for (const line of [reads, deaf]) line.destroy();
  });

  it('is closed by a frame far too large or by words, and all others live on', async () => {
    const a = await inSession();
    const b = await inSession();
    a.ws.send(new Uint8Array(LIMIT.frame + 100));
    expect(await a.next('refused')).toMatchObject({ why: 'too-large' });
    a.ws.send(new Uint8Array(2 * LIMIT.frame));
    expect(await closed(a.ws)).toBe(1009);
    const c = await inSession();
    c.ws.send('hello');
    expect(await closed(c.ws)).toBe(1003);
    const acks = b.next('acks');
    b.phone.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia) });
    expect(await acks).toMatchObject({ items: [{ n: 1 }] });
  });

  it('takes a frame in 16 fragments, and is closed by one in 17', async () => {
    const a = await inSession();
    /** A frame that makes no sense, so that it is answered. */
    const inPieces = (count: number): void => {
      for (let i = 1; i <= count; i++) a.ws.send(new Uint8Array([200]), { fin: i === count });
    };
    const refused = a.next('refused');
    inPieces(16);
    expect(await refused).toMatchObject({ why: 'malformed' });
    inPieces(17);
    expect(await closed(a.ws)).toBe(1008);
  });

  it('that says nothing for too long is dropped, and one that pings or speaks is not', async () => {
    const kept = { ...RATE };
    Object.assign(RATE, { idle: 2_500 });
    try {
      const [silent, pings, speaks] = [await inSession(), await inSession(), await inSession()];
      const alive = setInterval(() => {
        pings.ws.ping();
        speaks.phone.tell({ is: 'ping', re: 1 });
      }, 500);
      expect(await closed(silent.ws)).toBe(1006);
      await new Promise((done) => setTimeout(done, 2_000));
      clearInterval(alive);
      expect([pings.ws.readyState, speaks.ws.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
    } finally {
      Object.assign(RATE, kept);
    }
  });

  it('is closed after too many frames that make no sense', async () => {
    const a = await inSession();
    for (let i = 0; i < 60; i++) a.ws.send(new Uint8Array([200, i]));
    expect(await closed(a.ws)).toBe(1008);
  });

  it('is closed after too many proofs that do not hold, and nobody else feels it', async () => {
    const [a, b] = [await phone(), await inSession()];
    const heard: FromRelay[] = a.phone.heard;
    for (let i = 0; i < 300; i++) void a.phone.auth(s.group, 'log', { pk: olivia.logPk, sk: makeDevice(r.random).logSk }).catch(() => undefined);
    expect(await closed(a.ws)).toBe(1008);
    expect(heard.filter((f) => f.is === 'refused' && f.why === 'bad-proof')).toHaveLength(RATE.malformed + 1);
    const acks = b.next('acks');
    b.phone.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia) });
    expect(await acks).toMatchObject({ items: [{ n: 1 }] });
  });

  it('that does not read is dropped before it fills the relay’s memory, and readers get everything', async () => {
    const fay = await s.join();
    const [slow, quick] = [await inSession(fay.device), await inSession(fay.device)];
    let got = 0;
    quick.ws.on('message', (m: Buffer) => {
      const f = decodeFromRelay(new Uint8Array(m));
      if (f.ok && f.value.is === 'page') got += f.value.items.length;
    });
    slow.ws.pause();
    const ended = new Promise<void>((done) => slow.ws.once('close', () => done()));
    const words = 'x'.repeat(60_000);
    for (let i = 0; i < 300; i++) {
      await s.post(s.phone, olivia, words);
      // all of this runs in one process: who reads gets the time to, and has never much waiting
      if (i % 10 === 9) await expect.poll(() => got, { timeout: 10_000, interval: 1 }).toBe(i + 1);
    }
    expect(sockets.count).toBe(1);
    slow.ws.resume();
    await ended;
  });

  it('that does not read is dropped once all together have too much waiting, who reads gets everything', async () => {
    const kept = { ...RATE };
    Object.assign(RATE, { unreadByAll: 4 * 1024 * 1024 });
    const lines: Duplex[] = [];
    server.on('connection', (line) => lines.push(line));
    try {
      const fay = await s.join();
      const deaf = await Promise.all(Array.from({ length: 5 }, () => inSession(fay.device)));
      for (const { ws } of deaf) ws.pause();
      const quick = await inSession(fay.device);
      let got = 0;
      quick.ws.on('message', (m: Buffer) => {
        const f = decodeFromRelay(new Uint8Array(m));
        if (f.ok && f.value.is === 'page') got += f.value.items.length;
      });
      const words = 'x'.repeat(60_000);
      let most = 0;
      for (let i = 0; i < 200; i++) {
        await s.post(s.phone, olivia, words);
        if (i % 10 === 9) await expect.poll(() => got, { timeout: 10_000, interval: 1 }).toBe(i + 1);
        most = Math.max(most, lines.reduce((sum, line) => sum + (line.destroyed ? 0 : line.writableLength), 0));
      }
      // what a line holds by itself is not the relay's: all of them have begun to wait, and some were dropped
      expect(most).toBeGreaterThan(RATE.unreadByAll / 2);
      expect(most).toBeLessThan(RATE.unreadByAll + 6 * 70_000);
      expect(sockets.count).toBeLessThan(6);
      expect(quick.ws.readyState).toBe(WebSocket.OPEN);
    } finally {
      Object.assign(RATE, kept);
    }
  });

  it('is closed when it proves nothing in time', async () => {
    const a = await phone();
    const start = performance.now();
    expect(await closed(a.ws)).toBe(1008);
    expect(performance.now() - start).toBeGreaterThan(4000);
  });
});

describe('a request', () => {
  /** Asks for the page on a line of its own and reads nothing of it but by hand. */
  function asks(from: string, times = 1): Socket {
    const line = dial(port, '127.0.0.1').pause();
    line.on('error', () => undefined);
    line.write(`GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Forwarded-For: ${from}\r\n\r\n`.repeat(times));
    return line;
  }
  const status = async (from: string): Promise<{ status: number; after: string | null }> => {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, { headers: { 'x-forwarded-for': from } });
    return { status: answer.status, after: answer.headers.get('retry-after') };
  };
  const there = (): Promise<number> => new Promise((done, fail) => server.getConnections((e, n) => (e === null ? done(n) : fail(e))));
  beforeEach(() => writeFile(join(folder, 'index.html'), Buffer.alloc(16 * 1024 * 1024)));

  it('is one of so many of an address until its answer is closed; the sockets of that address are counted apart', async () => {
    const lines = [asks('198.51.100.7'), asks('203.0.113.9, 198.51.100.7')];
    await expect.poll(() => status('198.51.100.7')).toEqual({ status: 503, after: '30' });
    expect(await status('198.51.100.8')).toEqual({ status: 200, after: null });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers: { 'x-forwarded-for': '198.51.100.7' } });
    open.push(socket);
    await new Promise((done, fail) => socket.once('open', done).once('error', fail));
    lines[0]?.destroy();
    await expect.poll(() => status('198.51.100.7')).toEqual({ status: 200, after: null });
    // each answered one makes room for the next
    for (let i = 0; i < 5; i++) expect((await status('198.51.100.7')).status).toBe(200);
    lines[1]?.destroy();
  });

  it('sent before the one before it was answered ends the line, and leaves nothing counted', async () => {
    const two = asks('198.51.100.7', 2);
    await new Promise((done) => two.resume().once('close', done));
    expect(two.bytesRead).toBeLessThan(16 * 1024 * 1024);
    const one = asks('198.51.100.7');
    await new Promise((done) => one.once('readable', done));
    expect(await status('198.51.100.7')).toEqual({ status: 200, after: null });
    one.destroy();
  });

  it('is ended when nothing moves on its line; one that is read slowly and a socket on which nobody speaks go on', async () => {
    expect(server.timeout).toBe(RATE.stalled);
    server.timeout = 1_000;
    const quiet = await inSession();
    const slow = asks('198.51.100.8');
    let [got, most] = [0, 0];
    slow.on('data', (d: Buffer) => void ((got += d.length) > most && slow.pause()));
    const reading = setInterval(() => {
      most += 400_000;
      slow.resume();
    }, 100);
    const deaf = asks('198.51.100.7');
    await expect.poll(there).toBe(3);
    await expect.poll(there, { timeout: 8_000 }).toBe(2);
    deaf.destroy();
    await expect.poll(() => got, { timeout: 15_000 }).toBeGreaterThan(16 * 1024 * 1024);
    clearInterval(reading);
    expect(quiet.ws.readyState).toBe(WebSocket.OPEN);
    slow.destroy();
  });
});

describe('a blob', () => {
  const at = (id: Bytes): string => `http://127.0.0.1:${port}/api/blob/${hex(s.group)}/${hex(id)}`;
  const withBearer = (bearer: Bytes) => ({ Authorization: `Bearer ${base64url(bearer)}` });
  const bytes = new Uint8Array(300_000).map((_, i) => i * 7) as Bytes;
  const id = () => blobId(bytes);
  const put = (bearer: Bytes, body: Bytes = bytes, name: Bytes = id()) => fetch(at(name), { method: 'PUT', body, headers: withBearer(bearer) });

  it('is kept under the hash of its bytes and given back whole', async () => {
    const { welcome } = await inSession();
    expect((await put(welcome.bearer)).status).toBe(201);
    expect((await put(welcome.bearer)).status).toBe(200);
    const got = await fetch(at(id()), { headers: withBearer(welcome.bearer) });
    expect(got.headers.get('content-length')).toBe('300000');
    expect(got.headers.get('cache-control')).toBe('no-store');
    expect(Buffer.compare(Buffer.from(await got.arrayBuffer()), bytes)).toBe(0);
    const head = await fetch(at(id()), { method: 'HEAD', headers: withBearer(welcome.bearer) });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, '300000']);
  });

  it('that is there already is answered to who still sends it, however slowly', async () => {
    const { welcome } = await inSession();
    await put(welcome.bearer);
    const { pathname } = new URL(at(id()));
    const line = dial(port, '127.0.0.1');
    let heard = '';
    line.on('data', (d) => void (heard += String(d)));
    const ended = new Promise((done) => line.once('close', done));
    for (let i = 0; i < 2; i++) {
      line.write(`PUT ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${base64url(welcome.bearer)}\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      for (let from = 0; from < bytes.length; from += 50_000) {
        expect(heard.match(/HTTP/g)?.length ?? 0).toBe(i);
        line.write(bytes.subarray(from, from + 50_000));
        await new Promise((done) => setTimeout(done, 200));
      }
      await expect.poll(() => heard.match(/HTTP\/1.1 200 OK/g)?.length).toBe(i + 1);
    }
    line.end();
    await ended;
  });

  it('is on its way to a device so many times at once, and again when one has ended', async () => {
    const kept = { ...RATE };
    Object.assign(RATE, { downloads: 2 });
    try {
      const { welcome } = await inSession();
      const large = new Uint8Array(16 * 1024 * 1024) as Bytes;
      await put(welcome.bearer, large, blobId(large));
      const get = (): Promise<Response> => fetch(at(blobId(large)), { headers: withBearer(welcome.bearer) });
      const [first, second] = [await get(), await get()];
      const third = await get();
      expect([first.status, second.status, third.status, third.headers.get('retry-after')]).toEqual([200, 200, 429, '5']);
      expect((await fetch(at(blobId(large)), { method: 'HEAD', headers: withBearer(welcome.bearer) })).status).toBe(200);
      await first.body?.cancel();
      await expect.poll(async () => (await get()).status).toBe(200);
      expect((await second.arrayBuffer()).byteLength).toBe(large.length);
      expect((await get()).status).toBe(200);
    } finally {
      Object.assign(RATE, kept);
    }
  });

  it('with another hash than its name, too large, or without a live session is not kept', async () => {
    const { welcome } = await inSession();
    expect((await put(welcome.bearer, bytes.slice(1))).status).toBe(422);
    expect((await put(r.random(32))).status).toBe(403);
    expect((await fetch(at(id()), { headers: withBearer(r.random(32)) })).status).toBe(403);
    expect((await fetch(at(id()), { headers: withBearer(welcome.bearer) })).status).toBe(404);
    const chunk = new Uint8Array(1024 * 1024);
    let sent = 0;
    const endless = new ReadableStream({ pull: (c) => (sent++ > 70 ? c.close() : c.enqueue(chunk)) });
    const big = await fetch(at(id()), { method: 'PUT', body: endless, duplex: 'half', headers: withBearer(welcome.bearer) } as RequestInit).catch(() => null);
    expect(big === null ? 413 : big.status).toBe(413);
  });

  it('is deleted by its uploader or the owner and by nobody else', async () => {
    const fay = await s.join();
    const pat = await s.join();
    const [o, f, p] = [await inSession(), await inSession(fay.device), await inSession(pat.device)];
    const drop = async (bearer: Bytes) => (await fetch(at(id()), { method: 'DELETE', headers: withBearer(bearer) })).status;
    await put(f.welcome.bearer);
    expect(await drop(p.welcome.bearer)).toBe(403);
    expect(await drop(f.welcome.bearer)).toBe(204);
    r.now += RATE.blobGoing;
    await put(f.welcome.bearer);
    expect(await drop(o.welcome.bearer)).toBe(204);
    expect(await drop(o.welcome.bearer)).toBe(404);
  });

  it('that an envelope names stays; one that none names for 48 hours is forgotten', async () => {
    const { welcome, phone: p, next } = await inSession();
    const other = bytes.slice(9) as Bytes;
    await put(welcome.bearer);
    await put(welcome.bearer, other, blobId(other));
    const acks = next('acks');
    p.tell({ is: 'append', group: s.group, n: 1, envelope: s.seal(olivia, 'photo', { blobs: [id()] }) });
    expect(await acks).toMatchObject({ items: [{ n: 1 }] });
    expect(await sweepBlobs(r.relay, blobs, r.now, 0)).toBe(0);
    expect(await sweepBlobs(r.relay, blobs, r.now + 1, 0)).toBe(1);
    expect((await fetch(at(id()), { headers: withBearer(welcome.bearer) })).status).toBe(200);
    expect((await fetch(at(blobId(other)), { headers: withBearer(welcome.bearer) })).status).toBe(404);
  });

  it('that goes as its download begins comes whole, and one that breaks off is named neither in what is written down nor in the answer', async () => {
    const { welcome } = await inSession();
    await put(welcome.bearer);
    const path = join(folder, 'blobs', hex(id()).slice(0, 2), `1.${hex(id())}`);
    const said: string[] = [];
    const spies = [vi.spyOn(console, 'error').mockImplementation((...all) => void said.push(inspect(all))), vi.spyOn(process.stderr, 'write').mockImplementation((line) => said.push(String(line)) > 0)];
    const download = async (from: Blobs): Promise<Buffer | null> => {
      const listener = getRequestListener(createApp(r.relay, from, folder).fetch);
      const other = createServer((request, response) => void listener(request, response));
      await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
      try {
        const got = await fetch(at(id()).replace(String(port), String((other.address() as AddressInfo).port)), { headers: withBearer(welcome.bearer) });
        return Buffer.from(await got.arrayBuffer());
      } catch {
        return null;
      } finally {
        other.closeAllConnections();
        await new Promise((done) => other.close(done));
      }
    };
    try {
      // dropped at the moment at which it was found
      const dropping: Blobs = {
        ...blobs,
        async get(g, blob) {
          const chunks = await blobs.get(g, blob);
          rmSync(path);
          return chunks;
        }
      };
      expect(Buffer.compare((await download(dropping)) as Buffer, bytes)).toBe(0);
      expect(said).toEqual([]);
      const breaking: Blobs = {
        ...blobs,
        get: async () =>
          (async function* () {
            yield bytes.subarray(0, 100_000);
            throw Object.assign(new Error(`EIO: i/o error, read '${path}'`), { path });
          })()
      };
      const got = await download(breaking);
      expect(got?.length ?? 0).toBeLessThan(bytes.length);
      expect(said.join('\n')).toContain('unavailable');
      for (const name of [hex(id()), hex(s.group), path]) expect(`${said.join('\n')} ${String(got)}`).not.toContain(name);
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
  });

  it('is closed to a device at the moment its removal commits', async () => {
    const fay = await s.join();
    const f = await inSession(fay.device);
    await put(f.welcome.bearer);
    const gone = f.next('gone');
    await s.must(s.phone, removeEntry(r.random, s.state, olivia, fay.device.member, s.heads()));
    await gone;
    expect((await fetch(at(id()), { headers: withBearer(f.welcome.bearer) })).status).toBe(403);
    await settled();
  });
});
