/** The thread that holds the store: takes calls, commits them, answers. */
import { parentPort, workerData } from 'node:worker_threads';
import { ready } from '../crypto/sodium';
import { movable, packReplies, unpackCalls } from './log-pack';
import type { FromWorker, ToWorker } from './log-remote';
import { SqliteLog } from './log-sqlite';

const { path, now } = workerData as { readonly path: string; readonly now: number };
const port = parentPort;
if (port === null) throw new Error('runs as a worker');

await ready();
try {
  const log = new SqliteLog(path, now, (trouble) => port.postMessage({ trouble } satisfies FromWorker));
  port.on('message', (m: ToWorker) => {
    if (m === 'close') {
      log.close();
      port.close();
    } else {
      const calls = unpackCalls(m);
      const packed = packReplies(calls, log.transact(calls));
      port.postMessage(packed satisfies FromWorker, movable(packed));
    }
  });
  port.postMessage({ incarnation: log.incarnation } satisfies FromWorker);
} catch (e) {
  port.postMessage({ fault: e instanceof Error ? e.message : 'the store cannot be opened' } satisfies FromWorker);
}
