/**
 * What the relay is measured against: a server that only passes messages on (`bare`), one that speaks Yjs sync as the y-websocket server
 * does (`yws`: it applies each update to a document and sends it to every connection; neither keeps anything), and hocuspocus with its
 * database extension on SQLite (`hocus`), which stores each document some seconds later.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Database } from '@hocuspocus/extension-database';
import { Server as Hocuspocus } from '@hocuspocus/server';
import { DatabaseSync } from '@photostructure/sqlite';
import { createDecoder, readVarUint } from 'lib0/decoding';
import { createEncoder, length, toUint8Array, writeVarUint } from 'lib0/encoding';
import { WebSocket, WebSocketServer } from 'ws';
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import { Doc } from 'yjs';

const SYNC = 0;

/** Sockets by path. */
class Circle {
  readonly open = new Set<WebSocket>();
  toAll(m: Uint8Array): void {
    for (const ws of this.open) if (ws.readyState === WebSocket.OPEN) ws.send(m);
  }
}
const circles = new Map<string, Circle & { doc?: Doc }>();
function circleAt(path: string, hasDoc: boolean): Circle & { doc?: Doc } {
  let there = circles.get(path);
  if (there !== undefined) return there;
  circles.set(path, (there = new Circle()));
  if (!hasDoc) return there;
  const circle = there;
  circle.doc = new Doc();
  circle.doc.on('update', (update: Uint8Array) => {
    const e = createEncoder();
    writeVarUint(e, SYNC);
    writeUpdate(e, update);
    circle.toAll(toUint8Array(e));
  });
  return circle;
}

function yjs(ws: WebSocket, doc: Doc): void {
  ws.on('message', (m: Buffer) => {
    const d = createDecoder(m);
    if (readVarUint(d) !== SYNC) return;
    const e = createEncoder();
    writeVarUint(e, SYNC);
    readSyncMessage(d, e, doc, ws);
    if (length(e) > 1) ws.send(toUint8Array(e));
  });
  const e = createEncoder();
  writeVarUint(e, SYNC);
  writeSyncStep1(e, doc);
  ws.send(toUint8Array(e));
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
  const hasDoc = process.argv[2] === 'yws';
  const server = createServer();
  const wss = new WebSocketServer({ server, perMessageDeflate: false });
  wss.on('connection', (ws, request) => {
    const circle = circleAt(request.url ?? '/', hasDoc);
    circle.open.add(ws);
    ws.on('close', () => circle.open.delete(ws));
    if (circle.doc !== undefined) yjs(ws, circle.doc);
    else ws.on('message', (m: Buffer) => circle.toAll(m));
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => say((server.address() as AddressInfo).port));
}
