/** A WebSocket client with as little around it as can be, the same for every server under measurement: whole messages in, ready frames out. */
import { connect } from 'node:net';

export interface Raw {
  /** Writes a frame that `masked` made; what is written in one turn leaves together. */
  write(frame: Uint8Array): void;
  /** Hears each message; its bytes count only during the call. */
  hear: (message: Buffer) => void;
  onClose: () => void;
  /** Reads no more. */
  pause(): void;
  close(): void;
}

/** One for all sockets: what arrives is taken out of it before the next arrives. */
const shared = Buffer.allocUnsafe(256 * 1024);

/** A binary frame of a client. Its mask is zero: the server's work is the same and ours is none. */
export function masked(payload: Uint8Array): Buffer {
  const n = payload.length;
  const head = n < 126 ? 6 : n < 65536 ? 8 : 14;
  const out = Buffer.alloc(head + n);
  out[0] = 0x82;
  if (n < 126) out[1] = 0x80 | n;
  else if (n < 65536) {
    out[1] = 0x80 | 126;
    out.writeUInt16BE(n, 2);
  } else {
    out[1] = 0x80 | 127;
    out.writeUInt32BE(n, 6);
  }
  out.set(payload, head);
  return out;
}

export function dial(port: number, path: string): Promise<Raw> {
  return new Promise((done, fail) => {
    let isOpen = false;
    // parts of a message that has not all come, and the bytes without which there is nothing to do
    let parts: Buffer[] = [];
    let have = 0;
    let need = 0;
    let going: Uint8Array[] = [];
    const raw: Raw = {
      hear: () => undefined,
      onClose: () => undefined,
      write(frame) {
        if (going.push(frame) > 1) return;
        process.nextTick(() => {
          socket.write(going.length === 1 ? frame : Buffer.concat(going));
          going = [];
        });
      },
      pause: () => void socket.pause(),
      close: () => socket.destroy()
    };
    const keep = (bytes: Buffer): void => {
      parts = [Buffer.from(bytes)];
      have = bytes.length;
    };
    const take = (bytes: Buffer): void => {
      have += bytes.length;
      if (have < need) return void parts.push(Buffer.from(bytes));
      let all = parts.length === 0 ? bytes : Buffer.concat([...parts, bytes]);
      parts = [];
      have = need = 0;
      if (!isOpen) {
        const end = all.indexOf('\r\n\r\n');
        if (end < 0) return keep(all);
        if (!all.subarray(0, 12).equals(Buffer.from('HTTP/1.1 101'))) return fail(new Error(all.subarray(0, 60).toString()));
        isOpen = true;
        all = all.subarray(end + 4);
        done(raw);
        // whoever awaited us listens from the next turn on
        if (all.length > 0) {
          const first = Buffer.from(all);
          setImmediate(() => take(first));
        }
        return;
      }
      let at = 0;
      while (all.length - at >= 2) {
        let n = (all[at + 1] as number) & 127;
        let head = 2;
        if (n === 126) {
          if (all.length - at < 4) break;
          n = all.readUInt16BE(at + 2);
          head = 4;
        } else if (n === 127) {
          if (all.length - at < 10) break;
          n = all.readUInt32BE(at + 6);
          head = 10;
        }
        if (all.length - at < head + n) {
          need = head + n;
          break;
        }
        if (((all[at] as number) & 15) === 2) raw.hear(all.subarray(at + head, at + head + n));
        at += head + n;
      }
      if (at < all.length) keep(all.subarray(at));
    };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: shared, callback: (n) => (take(shared.subarray(0, n)), true) } });
    socket.on('error', fail);
    socket.on('close', () => {
      if (!isOpen) fail(new Error('closed'));
      raw.onClose();
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`);
  });
}
