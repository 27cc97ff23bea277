/** Serves the pages of the measurement, isolated so that their clocks are fine, and carries frames to the relay. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import type { Bytes } from '../../../crypto/brand';
import type { Door } from './group';

const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp', 'cache-control': 'no-store' };

/** `/ours` and `/peer` are pages that run the script of that name. */
export async function servePages(folder: string, connect: (send: (frame: Bytes) => void) => Door): Promise<{ readonly address: string; close(): void }> {
  const server = createServer((request, answer) => {
    const path = (request.url ?? '/').split('?')[0] as string;
    const script = /^\/(ours|peer)\.js$/.exec(path)?.[1];
    if (script !== undefined) return void answer.writeHead(200, { ...HEADERS, 'content-type': 'text/javascript' }).end(readFileSync(join(folder, `${script}.js`)));
    const page = /^\/(ours|peer)$/.exec(path)?.[1];
    if (page === undefined) return void answer.writeHead(404, HEADERS).end();
    answer.writeHead(200, { ...HEADERS, 'content-type': 'text/html' }).end(`<!doctype html><title>${page}</title><script type="module" src="/${page}.js"></script>`);
  });
  const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false });
  sockets.on('connection', (ws) => {
    const door = connect((frame) => ws.send(frame));
    ws.on('message', (frame: Buffer) => door.receive(new Uint8Array(frame)));
    ws.on('close', () => door.close());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const ws of sockets.clients) ws.terminate();
      server.close();
    }
  };
}
