/** A relay whose store lies in a folder, so that it can be put back from a backup: the real copy and the real restore. */
import { join } from 'node:path';
import { backUp, restore } from '../../relay/backup';
import { localLog } from '../../relay/log-sqlite';
import { World } from './world';

const store = (folder: string): string => join(folder, 'relay.db');

export const worldIn = (folder: string): Promise<World> => World.make('', (now) => localLog(store(folder), now));

let copies = 0;
/** A backup of the relay as it is; its file. */
export function backedUp(folder: string): string {
  const file = join(folder, `backup ${++copies}`);
  const done = backUp(folder, file);
  if (!done.ok) throw new Error(done.fault);
  return file;
}

/** The relay stops, an earlier backup takes the place of its store, and it starts again. Devices find it by themselves. */
export async function putBack(world: World, folder: string, file: string): Promise<void> {
  world.down = true;
  for (const d of world.devices) d.cut();
  await world.time.pass(50);
  await world.relay.log.close();
  const done = await restore(folder, file, world.time.now);
  if (!done.ok) throw new Error(done.fault);
  world.serve(localLog(store(folder), world.time.now));
  world.down = false;
}
