/** The app on a plain server of its own, as `npm start -- app` writes it, for a relay at another origin. */
import { createReadStream, existsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeApart } from '../../../relay/apart.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.webmanifest': 'application/manifest+json', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };

export interface Apart {
  readonly url: string;
  /** Writes the app for the relay there; serves it from then on. */
  point(relay: string): void;
  discard(): Promise<void>;
}

/** Serves nothing until it is pointed at a relay: each has to know the other's address. */
export async function serveApart(): Promise<Apart> {
  const folder = await mkdtemp(join(tmpdir(), 'carefold-apart-'));
  const files = join(folder, 'app');
  let headers: Readonly<Record<string, string>> = {};
  const server = createServer((request, response) => {
    const asked = join(files, normalize(new URL(request.url ?? '/', 'http://app').pathname));
    const path = existsSync(asked) && statSync(asked).isFile() ? asked : join(files, 'index.html');
    response.writeHead(200, { ...headers, 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream', 'Cache-Control': 'no-cache' });
    createReadStream(path).pipe(response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    point(relay) {
      headers = writeApart(join(root, 'build'), files, relay);
    },
    async discard() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    }
  };
}
