/** Writing to sockets: a frame goes to many and gets its WebSocket form once, and each socket is written once in a turn of the event loop. */
import type { Duplex } from 'node:stream';
import type { Bytes } from '../crypto/brand';

/** The frame that was written last and its WebSocket form: who sends one to many does it one after the other. */
let latest: Bytes | null = null;
let form: Buffer = Buffer.alloc(0);

/** An unmasked, unfragmented binary message (RFC 6455 §5.2). The frame must stay as it is. */
export function messageOf(bytes: Bytes): Buffer {
  if (bytes !== latest) {
    latest = bytes;
    form = begun(bytes, bytes.length);
  }
  return form;
}
/** The beginning of a message of `n` bytes, as far as `bytes` go. */
function begun(bytes: Bytes, n: number): Buffer {
  const head = n < 126 ? 2 : n < 65536 ? 4 : 10;
  const made = Buffer.allocUnsafe(head + bytes.length);
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
  return made;
}

const corked: Duplex[] = [];
function uncork(): void {
  let at = 0;
  for (let bytes = 0; at < corked.length && bytes < AT_ONCE; at++) {
    const s = corked[at] as Duplex;
    bytes += s.writableLength;
    s.uncork();
  }
  corked.splice(0, at);
  if (corked.length > 0) setImmediate(uncork);
}
/** Bytes written before what came meanwhile is read, so that the store has work while the rest is written. */
const AT_ONCE = 96 * 1024;

/** Writes at the end of this turn, together with what else the turn brings. */
export function writeSoon(socket: Duplex, bytes: Bytes): void {
  cork(socket);
  socket.write(messageOf(bytes));
}
/** The same of a message in two parts, of which the second, as a page is large and goes to one, is not copied: it must stay as it is. */
export function writePartsSoon(socket: Duplex, head: Bytes, rest: Bytes): void {
  cork(socket);
  socket.write(begun(head, head.length + rest.length));
  socket.write(rest);
}
function cork(socket: Duplex): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  if (corked.push(socket) === 1) process.nextTick(uncork);
}
