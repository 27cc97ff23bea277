/** A group whose members are there already: where most properties begin. */
import type { JoinId, Views } from '../../src/lib/core/port';
import type { GroupRun } from '../../src/lib/core/group-run';
import { nameOf } from '../../src/lib/core/group-view';
import { asLine } from '../../src/lib/group/name';
import { type Device, World } from './world';

/** The fixed cast, in the order in which they come in; Olivia makes the group. */
export const CAST = [
  ['Olivia', 'clinician'], ['Pat', 'patient'], ['Fay', 'family'], ['Mallory', 'family'], ['Dan', 'family'], ['Ben', 'family']
] as const;

type Reset = Extract<Views['feed']['view'], { reset: true }>;
export type Post = Extract<Reset['items'][number], { is: 'post' }>;

/** One person's device in the group. */
export class Seat {
  constructor(readonly device: Device, readonly group: string) {}

  get run(): GroupRun {
    return this.device.core?.groups.get(this.group) as GroupRun;
  }
  get posts(): Post[] {
    const feed = this.device.view('feed', this.group) as Reset | undefined;
    return (feed?.items ?? []).filter((i): i is Post => i.is === 'post');
  }
  get words(): string[] {
    return this.posts.map((p) => p.text);
  }
  get view(): Views['group']['view'] {
    return this.device.view('group', this.group);
  }
  /** As these members are called here. */
  names(members: readonly string[]): string[] {
    return members.map((member) => nameOf(this.run, member));
  }
  delivery(text: string): string | undefined {
    return this.posts.find((p) => p.text === text)?.delivery?.at;
  }
  post(text: string, photos: readonly string[] = []) {
    return this.device.run('post', { group: this.group, text, photos, replyTo: null });
  }
  /** After a restart the views are watched anew. */
  open(): Promise<void> {
    return this.device.openGroup(this.group);
  }
}

/** What a post is called by all the ids that it ever has: one that waits over a rotation gets another (PROTOCOL §15.4). */
export const lasting = (id: string): string => id.slice(0, 12) + id.slice(22);

/** What a page says of posts that are on its screen. */
export const shown = (posts: readonly Post[]): { posts: string[]; changes: Record<string, string> } => ({
  posts: posts.map((p) => p.id), changes: Object.fromEntries(posts.flatMap((p) => (p.change === null ? [] : [[p.id, p.change]])))
});

/** Opens an invite's link and watches what becomes of it. */
export async function openLink(device: Device, link: string): Promise<JoinId> {
  const { join } = await device.must('open-link', { fragment: new URL(link).hash });
  device.watch('join', join);
  return join;
}
/** Lets a fresh device in by a link of `owner`'s; every step is the real one. */
export async function admit(world: World, owner: Seat, device: Device, history: 'start' | 'today' = 'start'): Promise<Seat> {
  const { link } = await owner.device.must('invite', { group: owner.group, history, days: 3, relationship: 'Friend' });
  const join = await openLink(device, link);
  await world.time.pass(100);
  await device.must('ask', { join });
  await world.time.pass(100);
  const request = owner.view.requests.find((r) => r.name === asLine(device.name));
  if (request === undefined) throw new Error(`${device.name} never asked`);
  await owner.device.must('let-in', { group: owner.group, request: request.request });
  await world.time.pass(100);
  const { group } = device.view('join', join);
  if (group === null) throw new Error(`${device.name} is not in`);
  const seat = new Seat(device, group);
  await seat.open();
  return seat;
}

/** A group of the first `people` of the cast. */
export async function circle(people: number, history: 'start' | 'today' = 'start', prepare: (world: World) => void = () => undefined, make: () => Promise<World> = () => World.make()): Promise<{ world: World; seats: Seat[] }> {
  const world = await make();
  prepare(world);
  const seats: Seat[] = [];
  for (const [name, role] of CAST.slice(0, people)) {
    const device = world.device(name, role);
    await device.setUp();
    const owner = seats[0];
    if (owner !== undefined) seats.push(await admit(world, owner, device, history));
    else {
      const { group } = await device.must('new-group', { name: 'Pat’s Updates', kind: 'family' });
      const seat = new Seat(device, group);
      await seat.open();
      await world.time.pass(100);
      seats.push(seat);
    }
  }
  return { world, seats };
}

/** The seats by name. */
export async function cast(people: 2 | 3 | 4 | 5, history: 'start' | 'today' = 'start', prepare?: (world: World) => void, make?: () => Promise<World>): Promise<{ world: World; olivia: Seat; pat: Seat; fay: Seat; mallory: Seat; dan: Seat }> {
  const { world, seats } = await circle(people, history, prepare, make);
  const [olivia, pat, fay, mallory, dan] = seats as [Seat, Seat, Seat, Seat, Seat];
  return { world, olivia, pat, fay, mallory, dan };
}
