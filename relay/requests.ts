/** Plain HTTP before anything answers it: so many requests of one address at a time, and none on a line on which nothing moves. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { BlockList } from 'node:net';
import { addressOf, type Doors } from './doors';
import { RATE } from './limits';

/** `answer`: resolves when it has done what it could. `doors`: of requests alone, beside that of sockets. */
export function takeRequests(server: Server, answer: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>, doors: Doors, proxies: BlockList): void {
  server.timeout = RATE.stalled;
  server.on('request', (request, response) => {
    // sent before the one before it was answered: nobody does, and its answer would not end with the line
    if (response.socket === null) return void request.socket.destroy();
    const from = addressOf(request.socket.remoteAddress, request.headers['x-forwarded-for'], proxies);
    const wait = doors.enter(from);
    if (wait > 0) return void response.writeHead(503, { 'Retry-After': wait, 'Content-Length': 0, Connection: 'close' }).end();
    response.once('close', () => doors.leave(from));
    answer(request, response).catch(() => response.destroy());
  });
}
