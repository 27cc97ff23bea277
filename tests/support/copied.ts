/** Disks put back from a copy, and devices that start on them. */
import { memoryDevice, type MemoryDevice } from '../../src/lib/store/memory';
import { CACHE_TABLES, type CacheChange, type Change } from '../../src/lib/store/store';
import { Seat } from './circle';
import type { World } from './world';

/** A disk with the same bytes, as a backup of the whole profile brings it back. `cache`: its derived rows too. */
export async function copyOf(disk: MemoryDevice, cache: boolean): Promise<MemoryDevice> {
  const copy = memoryDevice();
  const raw = copy.open();
  const rows = disk.dump();
  const { fence } = await raw.takeFence();
  const isCache = (table: string): boolean => (CACHE_TABLES as readonly string[]).includes(table);
  const header = rows.find((r) => r.table === 'vault');
  if (header !== undefined) await raw.swapHeader(null, header.value);
  await raw.commit(fence, rows.filter((r) => r.table !== 'vault' && !isCache(r.table)) as Change[]);
  if (cache) await raw.cacheCommit(fence, rows.filter((r) => isCache(r.table)) as CacheChange[]);
  return copy;
}
let copies = 0;
/** A device on a copied disk; its chance is its own. */
export async function bootOn(world: World, disk: MemoryDevice, group: string): Promise<Seat> {
  const device = world.device(`Copy ${++copies}`, 'patient', disk);
  await device.boot();
  await device.unlock();
  await world.time.pass(500);
  const seat = new Seat(device, group);
  await seat.open();
  return seat;
}
