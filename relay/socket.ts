/** The relay on WebSockets: takes upgrades of /ws itself, answers every other one, and writes each socket once a turn. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Bytes } from '../crypto/brand';
import { LIMIT } from '../crypto/limits';
import type { AllowedHosts } from './hosts';
import { RATE } from './limits';
import type { Relay } from './relay';

export interface Sockets {
  /** Ends every connection; no new one is taken. */
  close(): void;
  readonly count: number;
}

/** A frame goes to many: its WebSocket form is made once. */
const framed = new WeakMap<Bytes, Buffer>();
function frame(bytes: Bytes): Buffer {
  let made = framed.get(bytes);
  if (made !== undefined) return made;
  const n = bytes.length;
  const head = n < 126 ? 2 : n < 65536 ? 4 : 10;
  made = Buffer.allocUnsafe(head + n);
  made[0] = 0x82;
  if (n < 126) made[1] = n;
  else if (n < 65536) {
    made[1] = 126;
    made.writeUInt16BE(n, 2);
  } else {
    made[1] = 127;
    made.writeUInt32BE(Math.floor(n / 2 ** 32), 2);
    made.writeUInt32BE(n % 2 ** 32, 6);
  }
  made.set(bytes, head);
  framed.set(bytes, made);
  return made;
}

export function takeSockets(server: Server, relay: Relay, hosts: AllowedHosts): Sockets {
  // a frame somewhat too large is refused in words; far beyond that the connection ends
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: LIMIT.frame + 65536, maxFragments: 16, clientTracking: false });
  const open = new Set<WebSocket>();
  let closing = false;

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const host = request.headers.host?.toLowerCase();
    const origin = request.headers.origin;
    if (closing) return reject(socket, '503 Service Unavailable');
    if (pathOf(request) !== '/ws') return reject(socket, '404 Not Found');
    if (host === undefined || !hosts.allows(host, request.socket.localAddress)) return reject(socket, '421 Misdirected Request');
    if (origin !== undefined && !hosts.allowsOrigin(origin, host)) return reject(socket, '403 Forbidden');
    wss.handleUpgrade(request, socket, head, (ws) => serve(ws, socket, host));
  });

  function serve(ws: WebSocket, socket: Duplex, host: string): void {
    open.add(ws);
    let corked = false;
    const send = (bytes: Bytes): void => {
      if (ws.readyState !== ws.OPEN) return;
      if (socket.writableLength > RATE.unread) return ws.terminate();
      if (!corked) {
        corked = true;
        socket.cork();
        process.nextTick(() => {
          corked = false;
          socket.uncork();
        });
      }
      socket.write(frame(bytes));
    };
    const wire = relay.connect(send, host, () => ws.close(1012));
    const deadline = setTimeout(() => {
      if (!wire.proven) ws.close(1008);
    }, RATE.proveWithin);
    const silence = setTimeout(() => ws.terminate(), RATE.idle);
    const heard = (): void => void silence.refresh();
    ws.on('message', (message: Buffer, isBinary) => {
      heard();
      if (!isBinary) return ws.close(1003);
      const wait = wire.receive(message);
      if (wire.isHopeless) return ws.close(1008);
      if (wait > 0 && !ws.isPaused) {
        ws.pause();
        silence.refresh();
        setTimeout(() => ws.resume(), wait);
      }
    });
    ws.on('ping', heard);
    ws.on('error', () => ws.terminate());
    ws.on('close', () => {
      clearTimeout(deadline);
      clearTimeout(silence);
      open.delete(ws);
      wire.close();
    });
  }

  return {
    close() {
      closing = true;
      for (const ws of open) ws.close(1001);
      setTimeout(() => {
        for (const ws of open) ws.terminate();
      }, 500).unref();
    },
    get count() {
      return open.size;
    }
  };
}

const pathOf = (r: IncomingMessage): string => (r.url ?? '').split('?', 1)[0] as string;

function reject(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
