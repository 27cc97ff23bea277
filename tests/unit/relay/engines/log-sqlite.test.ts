import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localLog } from '../../../../relay/log-sqlite';
import { logSuite } from './log-suite';

logSuite('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'carefold-engine-'));
  const path = join(folder, 'relay.db');
  let last = localLog(path, 5);
  return {
    log: last,
    store: { folder, postgres: null },
    again: async () => {
      await last.close();
      last = localLog(path, 6);
      return last;
    },
    close: async () => {
      await last.close();
      rmSync(folder, { recursive: true, force: true });
    }
  };
});
