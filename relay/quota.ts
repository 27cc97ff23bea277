/** What a group as a whole may take at this relay (OPERATING.md): asked of the store now and then, counted down in between. Reading has no quota. */
import type { Group } from './group';
import type { House } from './house';
import type { Spare } from './log';

/** Another relay may have taken something, and the operator may have changed it. */
const ASK_EVERY = 30_000;

/** What a group had left when the store was asked; null for no quota. */
export interface Left { spare: Spare | null; asked: number }

/** Whether nothing is known yet, so that whoever wants to know has to wait; what is old is asked for anew beside. */
export function wantsSpare(h: House, group: Group): boolean {
  if (group.left === null) return true;
  const now = h.clock();
  if (now - group.left.asked >= ASK_EVERY) {
    group.left.asked = now;
    ask(h, group, () => undefined);
  }
  return false;
}
/** Runs `then` once it is known what the group has left: the store is asked once, and whoever waits goes on in the order in which it came. */
export function withSpare(h: House, group: Group, then: () => void): void {
  if (!wantsSpare(h, group)) return then();
  if (group.asking !== null) return void group.asking.push(then);
  group.asking = [then];
  ask(h, group, () => {
    const waiting = group.asking ?? [];
    group.asking = null;
    for (const next of waiting) next();
  });
}
function ask(h: House, group: Group, then: () => void): void {
  const asked = h.clock();
  h.log.call('spare', { g: group.g }, (r) => {
    // a store that does not answer takes nothing either
    group.left = { spare: r.ok ? r.value : (group.left?.spare ?? null), asked };
    then();
  });
}

/** Whether so much more fits, as far as is known. */
export const fits = (group: Group, what: keyof Spare, size: number): boolean => (group.left?.spare?.[what] ?? Infinity) >= size;

/** That much was taken. */
export function took(group: Group, what: keyof Spare, size: number): void {
  const spare = group.left?.spare;
  const there = spare?.[what];
  if (group.left !== null && spare !== null && spare !== undefined && typeof there === 'number') group.left.spare = { ...spare, [what]: there - size };
}
