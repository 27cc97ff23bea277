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

/** Bytes written before what came meanwhile is read, so that the store has work while the rest is written. */
const AT_ONCE = 96 * 1024;

/** Outlets with something to write, who came first first. */
const waiting: Outlet[] = [];
function write(): void {
  let at = 0;
  for (let bytes = 0; at < waiting.length && bytes < AT_ONCE; at++) {
    const o = waiting[at] as Outlet;
    bytes += o.length;
    o.flush();
  }
  waiting.splice(0, at);
  if (waiting.length > 0) setImmediate(write);
}

/** Where the frames for one socket go: written at the end of the turn, together with what else the turn brings. */
export class Outlet {
  /** The only message of this turn: most turns bring no other, and a stream that need not gather them does less. */
  private only: Buffer | null = null;

  constructor(private readonly socket: Duplex) {}

  /** Bytes that wait here and in the socket. */
  get length(): number {
    return this.socket.writableLength + (this.only === null ? 0 : this.only.length);
  }
  write(bytes: Bytes): void {
    this.take(messageOf(bytes));
  }
  /** The same of a message in two parts, of which the second, as a page is large and goes to one, is not copied: it must stay as it is. */
  writeParts(head: Bytes, rest: Bytes): void {
    this.take(begun(head, head.length + rest.length));
    this.take(rest as Buffer);
  }
  /** Writes what waits, so that what others write to the socket follows it. */
  flush(): void {
    const { socket, only } = this;
    this.only = null;
    if (only !== null) socket.write(only);
    else if (socket.writableCorked > 0) socket.uncork();
  }
  private take(message: Buffer): void {
    const { socket, only } = this;
    if (socket.writableCorked > 0) socket.write(message);
    else if (only === null) {
      this.only = message;
      if (waiting.push(this) === 1) process.nextTick(write);
    } else {
      this.only = null;
      socket.cork();
      socket.write(only);
      socket.write(message);
    }
  }
}
