/** A server that speaks no sense: it answers every socket with frames that are broken in all the ways there are. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { freePort } from '../../support/free-port';

export interface Noise {
  readonly port: number;
  /** How many sockets have come to it. */
  met(): number;
  close(): Promise<void>;
}

/** What a relay never says: empty, cut short, of an unknown code, of another version, words, and a megabyte of nothing. */
const NONSENSE: readonly (Buffer | string)[] = [
  Buffer.alloc(0),
  Buffer.from([0]),
  Buffer.from([1]),
  Buffer.from([255, 255, 255, 255]),
  Buffer.from('0102030405060708090a0b0c0d0e0f', 'hex'),
  'hello',
  '{"is":"hello"}',
  Buffer.alloc(1_000_000, 7),
  Buffer.from('010000000000000000000000000000000000000000000000000000', 'hex')
];

export async function startNoise(): Promise<Noise> {
  const port = await freePort();
  const server = createServer((_, answer) => answer.writeHead(500).end('no'));
  const sockets = new WebSocketServer({ server });
  let met = 0;
  sockets.on('connection', (socket) => {
    met += 1;
    socket.on('error', () => undefined);
    for (const frame of NONSENSE) socket.send(frame);
    socket.on('message', () => NONSENSE.forEach((frame) => socket.send(frame)));
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    port,
    met: () => met,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets.clients) socket.terminate();
        server.closeAllConnections();
        server.close(() => done());
      })
  };
}
