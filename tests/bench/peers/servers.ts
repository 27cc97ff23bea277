/**
 * What the relay is measured against: a server that only passes messages on (`bare`), and one that speaks Yjs sync as the y-websocket
 * server does (`yws`): it applies each update to a document and sends it to every connection. Neither keeps anything.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDecoder, readVarUint } from 'lib0/decoding';
import { createEncoder, length, toUint8Array, writeVarUint } from 'lib0/encoding';
import { WebSocket, WebSocketServer } from 'ws';
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import { Doc } from 'yjs';

const SYNC = 0;
const server = createServer();
const wss = new WebSocketServer({ server, perMessageDeflate: false });
const open = new Set<WebSocket>();
const toAll = (m: Uint8Array): void => {
  for (const ws of open) if (ws.readyState === WebSocket.OPEN) ws.send(m);
};

function bare(ws: WebSocket): void {
  ws.on('message', (m: Buffer) => toAll(m));
}

const doc = new Doc();
doc.on('update', (update: Uint8Array) => {
  const e = createEncoder();
  writeVarUint(e, SYNC);
  writeUpdate(e, update);
  toAll(toUint8Array(e));
});
function yws(ws: WebSocket): void {
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

const serve = process.argv[2] === 'yws' ? yws : bare;
wss.on('connection', (ws) => {
  open.add(ws);
  ws.on('close', () => open.delete(ws));
  serve(ws);
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`));
