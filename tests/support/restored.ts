/** A relay whose store lies in a folder, so that it can be put back from a backup: the real copy and the real restore. */
import { cpSync, readdirSync, rmSync } from 'node:fs';
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

/** The relay stops, something becomes of its store, and it starts again. Devices find it by themselves. */
async function restarted(world: World, folder: string, meanwhile: (store: string) => Promise<void> | void): Promise<void> {
  world.down = true;
  for (const d of world.devices) d.cut();
  await world.time.pass(50);
  await world.relay.log.close();
  await meanwhile(store(folder));
  world.serve(localLog(store(folder), world.time.now));
  world.down = false;
}
/** An earlier backup takes the place of the store. */
export const putBack = (world: World, folder: string, file: string): Promise<void> =>
  restarted(world, folder, async () => {
    const done = await restore(folder, file, world.time.now);
    if (!done.ok) throw new Error(done.fault);
  });
/** Everything of the store, as a copy of the whole disk has it. */
const parts = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('relay.db'));
/** The disk as it is, copied by whoever runs the computer. */
export async function imageOf(world: World, folder: string): Promise<string> {
  const image = join(folder, `image ${++copies}`);
  await restarted(world, folder, () => parts(folder).forEach((name) => cpSync(join(folder, name), join(image, name), { recursive: true })));
  return image;
}
/** And put back by them: nothing tells the relay, and its life goes on. */
export const putImageBack = (world: World, folder: string, image: string): Promise<void> =>
  restarted(world, folder, () => {
    for (const name of parts(folder)) rmSync(join(folder, name), { recursive: true });
    for (const name of parts(image)) cpSync(join(image, name), join(folder, name), { recursive: true });
  });
