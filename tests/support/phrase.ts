/** Recovery phrases in a scenario, as their person uses them. */
import type { Device, World } from './world';

export async function say(world: World, who: Device, group: string, text: string): Promise<void> {
  await who.must('post', { group, text, photos: [], replyTo: null });
  await world.time.pass(6_000);
}
/** Thirteen words, kept by their person. */
export async function onPaper(who: Device): Promise<readonly string[]> {
  const { words } = await who.must('propose-phrase', null);
  await who.must('keep-phrase', { words });
  return words;
}
/** What a device says of its phrase. */
export const recovery = (d: Device) => {
  const app = d.view('app', null);
  return app.phase === 'open' ? app.recovery : null;
};
/** A person whose group is covered, and their words. */
export async function covered(world: World, name = 'Pat'): Promise<{ pat: Device; group: string; words: readonly string[] }> {
  const pat = world.device(name, 'patient');
  await pat.setUp();
  const { group } = await pat.must('new-group', { name: 'Mine', kind: 'family' });
  await pat.openGroup(group);
  await say(world, pat, group, 'Mine from the start');
  const words = await onPaper(pat);
  await world.time.pass(2_000);
  return { pat, group, words };
}
