/**
 * The one wire between a browser and the world: a SOCKS proxy that can be cut, and that keeps what passed through it.
 * Cutting a real wire also cuts the sockets of workers, which the browser's own offline switch does not promise.
 */
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface Network {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  mend(): void;
  /** Ends every connection and leads new ones to another port of this machine; null leads them where they want to go. */
  lead(port: number | null): void;
  /** What comes from the world passes at so many bytes a second, and each piece of it so many milliseconds later; null lets all of it pass at once. */
  slow(line: { readonly rate?: number; readonly delay?: number } | null): void;
  /** What the browser said since the start, its frames unmasked: one connection after the other. */
  sent(): Buffer;
  /** What it was told since the start: one connection after the other. */
  received(): Buffer;
  close(): Promise<void>;
}

/** Undoes the masking that browsers apply to WebSocket frames (RFC 6455 § 5.3), so that a search sees what was sent. */
function unmask(bytes: Buffer): Buffer {
  const handshake = bytes.indexOf('\r\n\r\n');
  if (handshake < 0 || !/\r\nupgrade: websocket/i.test(bytes.subarray(0, handshake).toString('latin1'))) return bytes;
  const out: Buffer[] = [bytes.subarray(0, handshake + 4)];
  let at = handshake + 4;
  while (at + 6 <= bytes.length) {
    const short = bytes.readUInt8(at + 1) & 0x7f;
    const wide = short === 126 ? 2 : short === 127 ? 8 : 0;
    const body = at + 2 + wide + 4;
    if (body > bytes.length) break;
    const size = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short;
    const mask = bytes.subarray(body - 4, body);
    out.push(Buffer.from(bytes.subarray(body, body + size).map((byte, i) => byte ^ (mask[i % 4] ?? 0))));
    at = body + size;
  }
  return Buffer.concat(out);
}

/** Starts a proxy on a free port of the loopback address. */
export async function startNetwork(): Promise<Network> {
  let whole = true;
  let led: number | null = null;
  let line: Parameters<Network['slow']>[0] = null;
  const paced = (): Transform =>
    new Transform({
      highWaterMark: 4096,
      transform: (chunk: Buffer, _, done) =>
        void (line === null ? done(null, chunk) : setTimeout(() => done(null, chunk), (line.delay ?? 0) + (1000 * chunk.length) / (line.rate ?? Infinity)))
    });
  const open = new Set<Socket>();
  const sent: Buffer[][] = [];
  const received: Buffer[][] = [];
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => open.delete(socket));
  };

  const server = createServer((client) => {
    keep(client);
    if (!whole) return void client.destroy();
    // greeting → “no password”; request → connect and answer (RFC 1928)
    client.once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (request) => {
        const named = request.readUInt8(3) === 3;
        const host = named ? request.subarray(5, 5 + request.readUInt8(4)).toString() : request.subarray(4, 8).join('.');
        const port = request.readUInt16BE(request.length - 2);
        // nothing but this machine: a test never reaches out; names that end in .test stand for another machine on the ward
        if (!whole || !/^(127\.|localhost$)|\.test$/.test(host)) return void client.end(Buffer.from([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]));
        const up: Buffer[] = [];
        const down: Buffer[] = [];
        sent.push(up);
        received.push(down);
        const target = connect(led ?? port, '127.0.0.1', () => client.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
        keep(target);
        client.on('data', (chunk) => void up.push(chunk));
        target.on('data', (chunk) => void down.push(chunk));
        client.pipe(target).pipe(paced()).pipe(client);
        client.once('close', () => target.destroy());
        // on a slow line what was said before is still on its way
        target.once('close', () => line === null && client.destroy());
      });
    });
  });
  const port = await new Promise<number>((done) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      done(address && typeof address === 'object' ? address.port : 0);
    });
  });
  const dropAll = (): void => open.forEach((socket) => void socket.destroy());
  return {
    port,
    cut: () => {
      whole = false;
      dropAll();
    },
    mend: () => void (whole = true),
    lead: (to) => {
      led = to;
      dropAll();
    },
    slow: (to) => void (line = to),
    sent: () => Buffer.concat(sent.map((chunks) => unmask(Buffer.concat(chunks)))),
    received: () => Buffer.concat(received.flat()),
    close: () =>
      new Promise((done) => {
        dropAll();
        server.close(() => done());
      })
  };
}
