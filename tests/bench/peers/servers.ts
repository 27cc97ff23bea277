/**
 * What the relay is measured against, each on the same `ws`: a server that only passes messages on (`bare`), y-websocket's own server (`yws`: it
 * applies each update to a document in memory and sends it to every connection; neither keeps anything), and hocuspocus with its database
 * extension on SQLite (`hocus`), which stores each document some seconds later.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
  ws.on('message', (m: Buffer) => {
    for (const one of circle) if (one.readyState === WebSocket.OPEN) one.send(m);
  });
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
  if (process.argv[2] === 'yws') wss.on('connection', setupWSConnection);
  else wss.on('connection', (ws, request) => passOn(ws, request.url ?? '/'));
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => say((server.address() as AddressInfo).port));
}
