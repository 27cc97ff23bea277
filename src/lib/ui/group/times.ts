/** Times in words, in the person's own habits (12 or 24 hours) and the language of the app. Times are milliseconds since 1970. */
import { midnight } from './feed-rows';

/** The person's own variant of the app's language (“en-GB” for “en”), which decides the clock; else the language itself. */
export function languageTag(language: string, preferred: readonly string[]): string {
  return preferred.find((tag) => tag === language || tag.startsWith(`${language}-`)) ?? language;
}

/** “8:05”. */
export function clockWords(at: number, tag: string): string {
  return format(tag, 'clock', { hour: 'numeric', minute: '2-digit' }).format(at);
}

/** “Today”, “Yesterday”, “Thursday 19 November”, with the year only when it is another one. */
export function dayWords(at: number, now: number, tag: string, near: { readonly today: string; readonly yesterday: string }): string {
  const days = Math.round((midnight(now) - midnight(at)) / 86_400_000);
  if (days === 0) return near.today;
  if (days === 1) return near.yesterday;
  return sameYear(at, now)
    ? format(tag, 'day', { weekday: 'long', day: 'numeric', month: 'long' }).format(at)
    : format(tag, 'year', { day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** “19 November”, with the year only when it is another one. */
export function dateWords(at: number, now: number, tag: string): string {
  return sameYear(at, now)
    ? format(tag, 'date', { day: 'numeric', month: 'long' }).format(at)
    : format(tag, 'year', { day: 'numeric', month: 'long', year: 'numeric' }).format(at);
}

/** “9:14” today, “19 November, 9:14” on any other day. */
export function momentWords(at: number, now: number, tag: string): string {
  return midnight(at) === midnight(now) ? clockWords(at, tag) : `${dateWords(at, now, tag)}, ${clockWords(at, tag)}`;
}

/** The full moment, for people who ask: “Thursday, 19 November 2026 at 9:14”. */
export function fullWords(at: number, tag: string): string {
  return format(tag, 'full', { dateStyle: 'full', timeStyle: 'short' }).format(at);
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A formatter costs a hundred times its use, and a feed asks for thousands. */
function format(tag: string, kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${tag} ${kind}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(tag, options);
  formats.set(key, known);
  return known;
}

function sameYear(a: number, b: number): boolean {
  return new Date(a).getFullYear() === new Date(b).getFullYear();
}
