/** What people do with their devices on a quiet day. */
import { HOLD_MOST } from '../../src/lib/core/hold';
import { devicesOf } from '../support/linked';
import type { Core } from '../../src/lib/core/core';
import { lasting, type Post, type Seat, shown } from '../support/circle';
import { personOf } from './base';
import type { Life } from './life';

export const PEACE = [
  'post', 'post', 'post', 'post', 'post', 'edit', 'retract', 'undo', 'slip', 'draft', 'seen', 'seen', 'photo', 'offline', 'online', 'online', 'restart', 'cut-line', 'rename', 'offer', 'accept', 'withdraw', 'remove', 'leave', 'wait', 'lose', 'sign-out'
] as const;
export type Deed = (typeof PEACE)[number];
export type Doing = (l: Life, seat: Seat) => void | Promise<void>;

/** Only on a device that is open. */
export const ifOpen = (doing: Doing): Doing => (l, seat) => (l.isOpen(seat) ? doing(l, seat) : undefined);
const own = (seat: Seat): Post[] => seat.posts.filter((p) => p.mine && p.retracted === null && !p.text.endsWith(' was here'));
const someoneElse = (l: Life, seat: Seat): string | undefined => l.pick(seat.view.people.filter((p) => p.ended === null && !p.me))?.member;

/** `tab`: an earlier window of the device, in which its person goes on. */
export function posts(l: Life, seat: Seat, photo = false, tab?: Core): void {
  const { device, group } = seat;
  const text = `${device.name} ${++l.texts}`;
  l.truth.wrote.set(text, personOf(device.name));
  l.truth.drafts.delete(device.name);
  const say = (photos: readonly string[]): void =>
    device.begin('post', { group, text, photos, replyTo: null }, (o) => {
      if (o.ok) l.truth.saved.set(lasting(o.value.post), { by: device.name, text });
    }, tab);
  if (!photo) return say([]);
  const bytes = new Uint8Array(300).fill(l.texts);
  device.begin('add-photo', { group, photo: { full: bytes, thumb: bytes.slice(0, 60), width: 4, height: 3, type: 'image/jpeg' } }, (o) => say(o.ok ? [o.value.photo] : []));
}
function sees(l: Life, seat: Seat, posts: readonly Post[]): void {
  const who = personOf(seat.device.name);
  const saw = l.truth.saw.get(who) ?? new Set();
  for (const p of posts) saw.add(`${lasting(p.id)} ${p.text}`);
  l.truth.saw.set(who, saw);
  seat.device.begin('seen', { group: seat.group, ...shown(posts) });
}

/** `isHeld`: it said that it would wait, and must have. */
function undoes(l: Life, { device, group }: Seat, post: string, isHeld = false): void {
  l.truth.taken.add(lasting(post));
  l.truth.drafts.delete(device.name);
  device.begin('undo-post', { group, post }, (o) => {
    // a copy of the disk that is older has it still
    if (o.ok && !l.copied.has(device.name)) l.truth.undone.add(lasting(post));
    if (!o.ok && o.fault === 'too-late' && isHeld) l.truth.breach('lost', `${device.name} sent what it said it holds`);
  });
}

const open: Omit<Record<Deed, Doing>, 'online' | 'restart'> = {
  post: (l, seat) => posts(l, seat),
  photo: (l, seat) => posts(l, seat, true),
  edit: (l, seat) => {
    const post = l.pick(own(seat));
    if (post === undefined) return;
    const text = `${post.text}+`;
    l.truth.wrote.set(text, personOf(seat.device.name));
    seat.device.begin('edit', { group: seat.group, post: post.id, text });
  },
  retract: (l, seat) => {
    const post = l.pick(own(seat));
    if (post !== undefined) seat.device.begin('retract', { group: seat.group, post: post.id });
  },
  undo: (l, seat) => {
    const post = own(seat).at(-1);
    if (post !== undefined) undoes(l, seat, post.id);
  },
  /** Words that are taken back at once, or as good as. */
  slip: async (l, seat) => {
    posts(l, seat);
    const text = `${seat.device.name} ${l.texts}`;
    const after = l.pick([3, 900, 4_800, 5_100]) ?? 0;
    await l.world.time.pass(after);
    const post = l.isOpen(seat) ? seat.posts.find((p) => p.text === text) : undefined;
    if (post !== undefined) undoes(l, seat, post.id, after < HOLD_MOST);
  },
  draft: (l, { device, group }) => {
    const text = `${device.name} will say ${++l.texts}`;
    l.truth.drafts.delete(device.name);
    device.begin('save-draft', { group, text, replyTo: null }, (o) => {
      if (o.ok) l.truth.drafts.set(device.name, text);
    });
  },
  seen: (l, seat) => sees(l, seat, seat.posts.filter((p) => !p.mine).slice(l.draw(3))),
  offline: (_, seat) => seat.device.goOffline(),
  'cut-line': (_, seat) => seat.device.cut(),
  rename: (l, seat) => seat.device.begin('rename-group', { group: seat.group, name: `Name ${++l.texts}` }),
  offer: (l, seat) => {
    const member = someoneElse(l, seat);
    if (member !== undefined) seat.device.begin('offer-owner', { group: seat.group, member });
  },
  accept: (_, seat) => seat.device.begin('accept-owner', { group: seat.group }),
  withdraw: (_, seat) => seat.device.begin('withdraw-offer', { group: seat.group }),
  remove: (l, seat) => {
    const member = someoneElse(l, seat);
    if (member === undefined || l.live.length <= 2 || l.draw(2) === 0) return;
    // what is said at that moment may reach the relay before the removal, and its author's remover after it
    const said = l.live.find((s) => s.run.me === member && l.isHonest(s));
    if (said !== undefined && l.draw(2) === 0) {
      posts(l, said);
      l.lines.of(seat.device).lag = 700;
      const left = HOLD_MOST - l.draw(400);
      l.world.time.later(left, () => seat.device.begin('remove', { group: seat.group, member }));
      return l.world.time.pass(9_000).then(() => l.lines.mend(seat.device));
    }
    seat.device.begin('remove', { group: seat.group, member });
  },
  leave: (l, seat) => {
    if (l.live.length > 2 && l.draw(2) === 0) seat.device.begin('leave', { group: seat.group });
  },
  wait: (l) => l.world.time.pass(12_000),
  lose: (l, seat) => {
    const other = devicesOf(seat.device).find((d) => !d.me && d.state === 'live');
    if (other !== undefined && l.draw(2) === 0) seat.device.begin('revoke-device', { device: other.device });
  },
  'sign-out': (l, seat) => {
    const others = l.live.filter((s) => s !== seat && s.device.name !== seat.device.name && personOf(s.device.name) === personOf(seat.device.name));
    if (l.draw(2) === 0 && others.length > 0) seat.device.begin('sign-out', { discard: { words: false, groups: false } });
  }
};
export const DEEDS: Record<Deed, Doing> = {
  ...(Object.fromEntries(Object.entries(open).map(([name, doing]) => [name, ifOpen(doing)])) as typeof open),
  online: (_, seat) => seat.device.goOnline(),
  restart: (l, seat) => l.again(seat)
};
