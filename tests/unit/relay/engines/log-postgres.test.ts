import { fromText } from '../../../../crypto/bytes';
import type { Log } from '../../../../relay/log';
import { postgresLog } from '../../../../relay/log-postgres';
import { seeded } from '../../../support/actor';
import { startPostgres } from '../../../support/engines';
import { logSuite } from './log-suite';

logSuite('PostgreSQL', async () => {
  const server = await startPostgres();
  const open = (now: number): Promise<Log> => postgresLog({ url: server.url, clock: () => now, random: seeded(`node ${now}`), note: null, relayPk: fromText('relay'), turn: setImmediate, trouble: () => undefined });
  const logs = [await open(5)];
  return {
    log: logs[0] as Log,
    store: { folder: '', postgres: server.url },
    again: async () => {
      logs.push(await open(6));
      return logs.at(-1) as Log;
    },
    close: async () => {
      await Promise.all(logs.map((l) => l.close()));
      await server.discard();
    }
  };
});
