/** Opens what a relay stands on, as its settings say: key, log, blobs and hints. Throws with words for the operator. */
import { DatabaseSync } from '@photostructure/sqlite';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RelayPk } from '../crypto/brand';
import type { Random } from '../crypto/sodium';
import { blobFiles } from './blob-files';
import { blobS3 } from './blob-s3';
import type { Blobs } from './blobs';
import type { Config } from './config';
import type { Turn } from './fanout';
import { type Hints, NO_HINTS } from './hints';
import { natsHints } from './hints-nats';
import type { RelayKeys } from './house';
import { keysAt, keysFor } from './keys';
import type { Log } from './log';
import { receiptOf } from './log-entries';
import { postgresLog } from './log-postgres';
import { remoteLog } from './log-remote';
import { NOTE } from './place-postgres';
import { holdAlone } from './sqlite';
import { type Tombs, TOMBS, tombsAt } from './tombs';

export interface Opened { readonly keys: RelayKeys; readonly log: Log; readonly blobs: Blobs; readonly hints: Hints; readonly tombs: Tombs | null; close(): Promise<void> }
export interface Hears {
  /** The store ended by itself. */
  readonly broken: () => void;
  /** A change was not kept, in the store's words. */
  readonly trouble: (words: string) => void;
  readonly hints: (isUp: boolean) => void;
}

/** Milliseconds between two looks at whether a crowd brings more: fewer commits cost less than the wait costs anybody. */
const GATHER = 4;

/** Not `recursive`: where a folder can never be made that tries for ever. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

/** Nothing in the folder is touched before no other relay can: a log that lies there holds it, and for one that lies elsewhere it is held by the same lock. */
export async function open(c: Config, random: Random, clock: () => number, turn: Turn, hears: Hears): Promise<Opened> {
  const store = join(c.folder, 'relay.db');
  if (c.postgres !== null) {
    const lock = holdAlone(`${store}.lock`);
    const { keys, keep } = keysFor(c.folder, random);
    const blobs = await blobsOf(c);
    const log = await postgresLog({ url: c.postgres, clock, random, note: join(c.folder, NOTE), relayPk: keys.pk, earlier: (keys.earlier ?? []).map((k) => k.pk), taken: keep, turn, trouble: hears.trouble });
    const hints = c.nats.length > 0 ? natsHints(c.nats, hears.hints) : { ...NO_HINTS, isUp: false };
    const close = async (): Promise<void> => {
      await Promise.allSettled([log.close(), hints.close()]);
      lock.close();
    };
    return { keys, blobs, log, hints, tombs: tombsAt(join(c.folder, TOMBS)), close };
  }
  const worker = new Worker(new URL('./log-worker.js', import.meta.url), { workerData: { path: store, now: clock() }, resourceLimits: { maxYoungGenerationSizeMb: 16 } });
  const log = await remoteLog(worker, turn, { gather: (then) => void setTimeout(then, GATHER), ...hears });
  return { keys: keysAt(c.folder, random, signerIn(store)), blobs: await blobsOf(c), log, hints: NO_HINTS, tombs: null, close: () => log.close() };
}

/** Where attachments lie. */
export const blobsOf = (c: Config): Promise<Blobs> =>
  c.s3 === null ? blobFiles(join(c.folder, 'blobs')) : blobS3({ url: c.s3, key: c.s3Key ?? '', secret: c.s3Secret ?? '', region: c.s3Region }, join(c.folder, 'coming'));

/** The key by which the newest entry in a store was receipted; null when there is none. */
function signerIn(path: string): RelayPk | null {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const newest = db.prepare('SELECT receipt FROM entries ORDER BY rowid DESC LIMIT 1').get() as { readonly receipt: Uint8Array } | undefined;
    return newest === undefined ? null : receiptOf(newest.receipt).relayPk;
  } finally {
    db.close();
  }
}
