/** A process that writes to a store in SQLite and lays its feeds together as fast as it can, until it is killed: what is acknowledged it says on its standard output, `device n` a line. */
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bytes, GroupId, Hash, LogPk } from '../../../../crypto/brand';
import { ready } from '../../../../crypto/sodium';
import type { Appended, Call, Calls } from '../../../../relay/log';
import { SqliteLog } from '../../../../relay/log-sqlite';

const DEVICES = [1, 2, 3];
/** Of the number that it carries, so that whoever reads it knows what it must be. */
export const words = (device: number, n: number): Bytes => new Uint8Array(60 + ((device * 31 + n * 7) % 900)).fill((device * 16 + n) % 251) as Bytes;

export function appending(device: number, n: number): Extract<Call, { name: 'append' }> {
  const group = new Uint8Array(32) as Bytes as GroupId;
  return { name: 'append', input: { g: 1, device, n, rosterSeq: 1, time: n, verdict: 'fine', judgedAt: 1, group, logPk: group as Bytes as LogPk, roster: group as Bytes as Hash, blobs: [], envelope: words(device, n) } };
}

const [, self, path, waiting] = process.argv;
if (self === fileURLToPath(import.meta.url) && path !== undefined) {
  await ready();
  const log = new SqliteLog(path, 6, undefined, Number(waiting));
  const heads = new Map(DEVICES.map((device) => {
    const [head] = log.transact([{ name: 'head', input: { g: 1, device } }]);
    return [device, head?.ok === true ? (head.value as Calls['head'][1]).n : NaN];
  }));
  for (let i = 0; ; i++) {
    const device = DEVICES[i % DEVICES.length] as number;
    const n = (heads.get(device) as number) + 1;
    const [stored] = log.transact([appending(device, n)]);
    if (stored?.ok !== true || (stored.value as Appended).is !== 'stored') throw new Error('not stored');
    heads.set(device, n);
    writeSync(1, `${device} ${n}\n`);
    if (i % 3 === 2) log.transact([{ name: 'compact', input: { g: 1 } }]);
  }
}
