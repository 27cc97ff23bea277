/** The relay on WebSockets: takes upgrades of /ws itself, answers every other one, and writes each socket once a turn. */
import type { IncomingMessage, Server } from 'node:http';
import type { BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Bytes } from '../crypto/brand';
import { LIMIT } from '../crypto/limits';
import { addressOf, type Doors } from './doors';
import type { AllowedHosts } from './hosts';
import { RATE } from './limits';
import { Outlet } from './outlet';
import type { Relay, Wire } from './relay';
import { type Reader, Unread } from './unread';

/** Milliseconds after which a refusal has left, or never will. */
const ANSWERED_WITHIN = 5_000;

export interface Sockets {
  /** Ends every connection, one after the other within so many milliseconds; no new one is taken. */
  close(within: number): void;
  readonly count: number;
}

/** A socket, what waits for it, the second in which it came and the one in which it was last heard. */
interface Open { readonly ws: WebSocket; readonly outlet: Outlet; readonly wire: Wire; readonly reader: Reader; readonly began: number; heard: number }

function terminate(this: WebSocket): void {
  this.terminate();
}
/** Ends a connection behind what was written to it. */
function end({ ws, outlet }: Pick<Open, 'ws' | 'outlet'>, code: number): void {
  outlet.flush();
  ws.close(code);
}

export function takeSockets(server: Server, relay: Relay, hosts: AllowedHosts, doors: Doors, proxies: BlockList): Sockets {
  // a frame somewhat too large is refused in words; far beyond that the connection ends
  const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: LIMIT.frame + 65536, maxFragments: 16, clientTracking: false });
  const open = new Set<Open>();
  const unread = new Unread();
  let closing = false;

  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    // no clock of the server's looks at it any more
    const late = setTimeout(() => socket.destroy(), ANSWERED_WITHIN).unref();
    const host = request.headers.host?.toLowerCase();
    const origin = request.headers.origin;
    if (closing) return reject(socket, '503 Service Unavailable');
    if (pathOf(request) !== '/ws') return reject(socket, '404 Not Found');
    if (host === undefined || !hosts.allows(host, request.socket.localAddress)) return reject(socket, '421 Misdirected Request');
    if (origin !== undefined && !hosts.allowsOrigin(origin, host)) return reject(socket, '403 Forbidden');
    const from = addressOf(request.socket.remoteAddress, request.headers['x-forwarded-for'], proxies);
    const wait = doors.enter(from);
    if (wait > 0) return reject(socket, '503 Service Unavailable', wait);
    socket.once('close', () => doors.leave(from));
    wss.handleUpgrade(request, socket, head, (ws) => {
      clearTimeout(late);
      serve(ws, socket, host, from);
    });
  });

  /** One look at all of them each second costs less than two timers for each. */
  let seconds = 0;
  const look = setInterval(() => {
    seconds++;
    for (const e of open) {
      if (!e.wire.proven && (seconds - e.began) * 1000 > RATE.proveWithin) end(e, 1008);
      if ((seconds - e.heard) * 1000 > RATE.idle) e.ws.terminate();
      unread.count(e.reader, e.outlet.length);
      if (unread.isTooMuch(e.reader)) drop(e.ws, e.reader);
    }
  }, 1000).unref();

  function drop(ws: WebSocket, reader: Reader): void {
    ws.terminate();
    unread.count(reader, 0);
  }

  function serve(ws: WebSocket, socket: Duplex, host: string, from: string | null): void {
    const reader: Reader = { unread: 0 };
    const outlet = new Outlet(socket);
    /** When it may be read again after it was read too fast. */
    let waits = false;
    const read = (): void => {
      if (ws.isPaused && !waits && outlet.length <= RATE.unreadAsk) ws.resume();
    };
    /** Whether it takes so many bytes more. */
    const takes = (more: number): boolean => {
      if (ws.readyState !== ws.OPEN) return false;
      const waiting = outlet.length;
      unread.count(reader, waiting);
      if (unread.isTooMuch(reader)) {
        drop(ws, reader);
        return false;
      }
      // who does not take what it asked for is not asked for more
      if (waiting > RATE.unreadAsk && !ws.isPaused) ws.pause();
      unread.count(reader, waiting + more);
      return true;
    };
    const send = (frame: Bytes): void => {
      if (takes(frame.length)) outlet.write(frame);
    };
    const sendParts = (head: Bytes, rest: Bytes): void => {
      if (takes(head.length + rest.length)) outlet.writeParts(head, rest);
    };
    const wire = relay.connect(send, host, () => end(one, 1012), from, sendParts);
    const one: Open = { ws, outlet, wire, reader, began: seconds, heard: seconds };
    open.add(one);
    socket.on('drain', () => {
      unread.count(reader, outlet.length);
      read();
    });
    ws.on('message', (message: Buffer, isBinary) => {
      one.heard = seconds;
      if (!isBinary) return end(one, 1003);
      const wait = wire.receive(message);
      if (wire.isHopeless) return end(one, 1008);
      if (wait === 0 || waits) return;
      waits = true;
      ws.pause();
      setTimeout(() => {
        waits = false;
        read();
      }, wait);
    });
    ws.on('ping', () => void (one.heard = seconds));
    ws.on('error', terminate);
    ws.on('close', () => {
      open.delete(one);
      unread.count(reader, 0);
      wire.close();
    });
  }

  return {
    close(within) {
      closing = true;
      clearInterval(look);
      // not all at once: where they go next, they would arrive at once
      [...open].forEach((e, i, all) => {
        if (within === 0) end(e, 1001);
        else setTimeout(() => end(e, 1001), (within * i) / all.length);
      });
      setTimeout(() => {
        for (const { ws } of open) ws.terminate();
      }, within + 500).unref();
    },
    get count() {
      return open.size;
    }
  };
}

const pathOf = (r: IncomingMessage): string => (r.url ?? '').split('?', 1)[0] as string;

/** `wait`: seconds after which to try again. The other side may keep its own half open for ever. */
function reject(socket: Duplex, status: string, wait = 0): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\n${wait > 0 ? `Retry-After: ${wait}\r\n` : ''}Connection: close\r\nContent-Length: 0\r\n\r\n`);
}
