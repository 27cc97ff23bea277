/** What the relay writes down: that something happened, never to whom. No address, key, group, size or word of anybody's is ever a field. */
import type { Clock } from './house';

export interface Journal {
  /** `what`: a short name for machines; `words`: one line for people. */
  say(what: string, words: string, figures?: Readonly<Record<string, number>>): void;
  warn(what: string, words: string): void;
}

/** As lines of words, or of JSON: `{"time":…,"level":…,"what":…,"words":…}` and the figures. */
export function journal(form: 'text' | 'json', clock: Clock, out: (line: string) => void, bad: (line: string) => void): Journal {
  const line = (level: string, what: string, words: string, figures = {}): string =>
    form === 'text' ? words : JSON.stringify({ time: new Date(clock()).toISOString(), level, what, words, ...figures });
  return {
    say: (what, words, figures) => out(line('info', what, words, figures)),
    warn: (what, words) => bad(line('warn', what, words))
  };
}

/** Lets the same warning through once a minute. */
export function seldom(j: Journal, clock: Clock): Journal['warn'] {
  const last = new Map<string, number>();
  return (what, words) => {
    if (clock() - (last.get(what) ?? -Infinity) < 60_000) return;
    last.set(what, clock());
    j.warn(what, words);
  };
}
