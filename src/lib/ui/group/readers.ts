/** Who will read what is written here: the other live members, and the one a writer is most likely to forget. */
import type { PersonView } from '$lib/core/port';

export interface Readers {
  /** Live members besides oneself. */
  readonly count: number;
  /** Someone from outside the ward whom a writer should have in mind; null when there is none. */
  readonly mind: PersonView | null;
}

/** Counts the others and picks whom to name: the only one there is, else the last family member or friend who came in with a relationship. */
export function readersOf(people: readonly PersonView[]): Readers {
  const others = people.filter((person) => person.ended === null && !person.me);
  const outside = others.filter((person) => person.role === 'family').sort((a, b) => b.since - a.since);
  const only = others.length === 1 ? others[0] : undefined;
  return { count: others.length, mind: only ?? outside.find((person) => person.relationship !== '') ?? outside[0] ?? null };
}

/** “4821 0937 5510”: how a number is read aloud, four digits at a time. */
export function inFours(digits: string): string {
  return digits.replace(/(\d{4})(?=\d)/g, '$1 ');
}

/** The first name, for short sentences: everything before the first space, titles kept whole. */
export function shortName(name: string): string {
  const words = name.trim().split(/\s+/);
  const titled = /^(dr|prof|mr|mrs|ms|mx|sr|sra|nurse)\.?$/i.test(words[0] ?? '');
  return titled ? words.slice(0, 2).join(' ') : (words[0] ?? name);
}
