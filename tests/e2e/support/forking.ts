/**
 * A relay that really forks: it holds the relay's own signing key, stands between one device and the honest relay, and signs for that
 * device every new entry at another time, so that its history of the group is another one and bears valid receipts.
 */
import { DatabaseSync } from '@photostructure/sqlite';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import type { Bytes, Hash } from '../../../crypto/brand';
import { hex } from '../../../crypto/bytes';
import { decodeFromRelay, encodeFromRelay, type ReceiptedEntry } from '../../../crypto/frames';
import { readReceipt, signReceipt } from '../../../crypto/receipt';
import { chainAfter } from '../../../crypto/roster/entry';
import { ready } from '../../../crypto/sodium';
import { signPair } from '../../../crypto/verify';
import { decode } from '../../../crypto/wire';
import type { Relay } from './relay';

export interface Forking {
  readonly port: number;
  /** Entries that it signed a second time. */
  forged(): number;
  close(): Promise<void>;
}

/** Begins with the history as it is: what comes later is forked. */
export async function startForking(relay: Relay): Promise<Forking> {
  await ready();
  const { sk } = signPair(new Uint8Array(await readFile(join(relay.folder, 'relay.key'))) as Bytes);
  const database = new DatabaseSync(join(relay.folder, 'relay.db'), { readOnly: true });
  const receipts = (database.prepare('SELECT receipt FROM entries').all() as { receipt: Uint8Array }[]).map((row) => decode(row.receipt, readReceipt));
  database.close();
  const real = new Set(receipts.flatMap((r) => (r.ok ? [hex(r.value.chain)] : [])));
  const chains = new Map<number, Hash>(receipts.flatMap((r) => (r.ok ? [[r.value.seq, r.value.chain] as const] : [])));
  let forged = 0;

  const other = (group: Parameters<typeof signReceipt>[0], { entry, receipt }: ReceiptedEntry): ReceiptedEntry => {
    if (real.has(hex(receipt.chain))) return { entry, receipt };
    const time = receipt.time + 1;
    const chain = chainAfter(chains.get(receipt.seq - 1) as Hash, entry, time);
    chains.set(receipt.seq, chain);
    forged++;
    return { entry, receipt: signReceipt(group, { ...receipt, time, chain }, sk) };
  };

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (near, request) => {
    const { host, origin } = request.headers;
    const far = new WebSocket(`ws://127.0.0.1:${relay.port}/ws`, { perMessageDeflate: false, headers: { host, ...(origin === undefined ? {} : { origin }) } });
    const waiting: Buffer[] = [];
    near.on('message', (frame: Buffer) => (far.readyState === far.OPEN ? far.send(frame) : void waiting.push(frame)));
    far.on('open', () => waiting.splice(0).forEach((frame) => far.send(frame)));
    far.on('message', (frame: Buffer) => {
      const f = decodeFromRelay(new Uint8Array(frame));
      if (!f.ok || f.value.is !== 'entries') return near.send(frame);
      const { group, items } = f.value;
      near.send(encodeFromRelay({ ...f.value, items: items.map((i) => other(group, i)) }));
    });
    for (const [one, next] of [[near, far], [far, near]] as const) {
      one.on('close', () => next.close());
      one.on('error', () => next.terminate());
    }
  });
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    forged: () => forged,
    close: () =>
      new Promise((done) => {
        for (const one of server.clients) one.terminate();
        server.close(() => done());
      })
  };
}
