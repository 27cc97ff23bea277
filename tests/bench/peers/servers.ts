/**
 * What the relay is measured against, each on the same `ws`: a server that only passes messages on (`bare`), the same when it has synced each to
 * a file first, the least that a durable one can do (`synced`), y-websocket's own server (`yws`: it applies each update to a document in
 * memory and sends it to every connection, and keeps nothing), and hocuspocus with its database extension on SQLite (`hocus`), which stores
 * each document some seconds later.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Database } from '@hocuspocus/extension-database';
import { Server as Hocuspocus } from '@hocuspocus/server';
import { DatabaseSync } from '@photostructure/sqlite';
import { setupWSConnection } from '@y/websocket-server/utils';
import { WebSocket, WebSocketServer } from 'ws';

/** Sockets by path. */
const circles = new Map<string, Set<WebSocket>>();

function passOn(ws: WebSocket, path: string): void {
  const circle = circles.get(path) ?? new Set();
  circles.set(path, circle.add(ws));
  ws.on('close', () => circle.delete(ws));
  ws.on('message', (m: Buffer) =>
    keep(m, () => {
      for (const one of circle) if (one.readyState === WebSocket.OPEN) one.send(m);
    })
  );
}

/** What becomes of a message before it is passed on. */
let keep = (_message: Buffer, then: () => void): void => then();

/** Writes what it is sent over the beginning of a file, syncs that, and says so. */
const SYNCS = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { fdatasyncSync, fsyncSync, openSync, writeSync } = require('node:fs');
  const file = openSync(workerData, 'w');
  writeSync(file, Buffer.alloc(2 ** 20));
  fsyncSync(file);
  parentPort.on('message', (bytes) => {
    writeSync(file, bytes, 0, bytes.length, 0);
    fdatasyncSync(file);
    parentPort.postMessage('synced');
  });`;

/** In a thread, at once when nothing is being synced, else together with what comes meanwhile. */
function keepIn(path: string): typeof keep {
  const worker = new Worker(SYNCS, { eval: true, workerData: path });
  let waiting: { readonly message: Buffer; readonly then: () => void }[] = [];
  let under: typeof waiting = [];
  const next = (): void => {
    under = waiting;
    waiting = [];
    if (under.length > 0) worker.postMessage(Buffer.concat(under.map((w) => w.message)));
  };
  worker.on('message', () => {
    const synced = under;
    next();
    for (const { then } of synced) then();
  });
  return (message, then) => {
    waiting.push({ message, then });
    if (under.length === 0) next();
  };
}

const say = (port: number): void => void process.stdout.write(`port ${port}\n`);

if (process.argv[2] === 'hocus') {
  const db = new DatabaseSync(process.argv[3] as string);
  db.exec('CREATE TABLE IF NOT EXISTS documents (name TEXT PRIMARY KEY, state BLOB)');
  const database = new Database({
    fetch: async ({ documentName }) => (db.prepare('SELECT state FROM documents WHERE name = ?').get(documentName) as { state: Uint8Array } | undefined)?.state ?? null,
    store: async ({ documentName, state }) => void db.prepare('INSERT OR REPLACE INTO documents VALUES (?, ?)').run(documentName, state)
  });
  const server = new Hocuspocus({ port: 0, address: '127.0.0.1', quiet: true, extensions: [database] });
  await server.listen();
  say(server.address.port);
} else {
  const server = createServer();
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  if (process.argv[2] === 'synced') keep = keepIn(process.argv[3] as string);
  if (process.argv[2] === 'yws') wss.on('connection', setupWSConnection);
  else wss.on('connection', (ws, request) => passOn(ws, request.url ?? '/'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => say((server.address() as AddressInfo).port));
}
