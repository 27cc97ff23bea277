import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import { concat } from '../../../crypto/bytes';
import { messageOf, Outlet } from '../../../relay/outlet';

interface Sink { readonly socket: Duplex; readonly outlet: Outlet; readonly turns: number[][] }

/** A socket with its outlet, and the first byte of each message that every write to it carried. */
function sink(): Sink {
  const turns: number[][] = [];
  const put = (chunks: readonly Buffer[], done: () => void): void => {
    // behind the head of a message of 64 KiB or more
    turns.push(chunks.map((c) => c[c.length < 126 ? 2 : c.length < 65_536 ? 4 : 10] as number));
    done();
  };
  const socket = new Duplex({
    highWaterMark: 2 ** 20,
    read: () => undefined,
    write: (chunk: Buffer, _, done) => put([chunk], done),
    writev: (all, done) => put(all.map((x) => x.chunk as Buffer), done)
  });
  return { socket, outlet: new Outlet(socket), turns };
}
const message = (first: number, size: number): Bytes => new Uint8Array(size).fill(first);
const ticks = (): Promise<void> => new Promise((done) => process.nextTick(done));
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('a turn of writing', () => {
  it('writes each socket once, whatever it has for it', async () => {
    const all = [sink(), sink()];
    for (const first of [1, 2, 3]) for (const { outlet } of all) outlet.write(message(first, 100));
    await ticks();
    expect(all.map((s) => s.turns)).toEqual([[[1, 2, 3]], [[1, 2, 3]]]);
  });

  it('lets what came be read before it writes on, when there is much; who came first is first, and nothing is lost or overtaken', async () => {
    const all = Array.from({ length: 10 }, sink);
    for (const { outlet } of all) outlet.write(message(1, 40_000));
    await ticks();
    const written = (): number => all.filter((s) => s.turns.length > 0).length;
    expect(written()).toBe(3);
    // one that has its write behind it, and one that waits for it, get more
    all[0]?.outlet.write(message(2, 100));
    all[9]?.outlet.write(message(2, 100));
    const steps: number[] = [];
    while (written() < 10) {
      await turn();
      steps.push(written());
    }
    expect(steps).toEqual([6, 9, 10]);
    await turn();
    expect(all.map((s) => s.turns)).toEqual([[[1], [2]], ...Array.from({ length: 8 }, () => [[1]]), [[1, 2]]]);
  });

  it('writes a message in two parts as it writes one, in its turn', async () => {
    for (const [head, rest] of [[3, 0], [3, 122], [3, 123], [100, 65_435], [100, 65_436], [3, 200_000]] as const) {
      const written: Buffer[] = [];
      const socket = new Duplex({ read: () => undefined, write: (chunk: Buffer, _, done) => (written.push(chunk), done()) });
      const frames = [message(1, 9), concat(message(2, head), message(3, rest)), message(4, 9)] as Bytes[];
      const outlet = new Outlet(socket);
      outlet.write(frames[0] as Bytes);
      outlet.writeParts(message(2, head), message(3, rest));
      outlet.write(frames[2] as Bytes);
      await turn();
      await turn();
      expect(Buffer.concat(written).equals(Buffer.concat(frames.map((f) => messageOf(f))))).toBe(true);
    }
  });

  it('knows what waits, and lets what others write follow it', async () => {
    for (const many of [1, 2]) {
      const { socket, outlet, turns } = sink();
      for (let i = 1; i <= many; i++) outlet.write(message(i, 100));
      expect(outlet.length).toBe(many * 102);
      outlet.flush();
      socket.write(messageOf(message(9, 100)));
      await ticks();
      expect(outlet.length).toBe(0);
      expect(turns.flat()).toEqual([...[1, 2].slice(0, many), 9]);
      // and nothing of it comes again with the next
      outlet.write(message(3, 100));
      await ticks();
      expect(turns.flat()).toEqual([...[1, 2].slice(0, many), 9, 3]);
    }
  });

  it('writes on when one of the sockets has gone', async () => {
    const all = Array.from({ length: 6 }, sink);
    for (const { outlet } of all) outlet.write(message(1, 40_000));
    all[4]?.socket.destroy();
    await ticks();
    await turn();
    await turn();
    expect(all.map((s) => s.turns.length)).toEqual([1, 1, 1, 1, 0, 1]);
  });
});
