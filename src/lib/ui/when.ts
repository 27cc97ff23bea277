/** Times as people say them, in the language of the page. Display only: no decision is ever taken on them. */
import { getLocale } from '$lib/paraglide/runtime';
import * as m from '$lib/paraglide/messages';

const DAY = 86_400_000;
/** The last moment that a calendar has. Whoever wrote a time may have written any number, and no screen may break on it. */
const LAST = 8_640_000_000_000_000;
export const moment = (at: number): Date => new Date(Math.min(at, LAST));
const startOfDay = (at: number): number => moment(at).setHours(0, 0, 0, 0);
/** Whole calendar days between two times, counted on this device's calendar. */
const daysBetween = (earlier: number, later: number): number => Math.round((startOfDay(later) - startOfDay(earlier)) / DAY);
const format = (at: number, options: Intl.DateTimeFormatOptions): string => new Intl.DateTimeFormat(wanted(), options).format(moment(at));
const now = (): number => new Date().getTime();

/** For machines that read the page. */
export const isoTime = (at: number): string => moment(at).toISOString();

/** “9:12”, or “9:12 AM” where people write it so. */
export const clockTime = (at: number): string => new Intl.DateTimeFormat(wanted(), { hour: 'numeric', minute: '2-digit' }).format(moment(at));

/** For a list: the time today, “Yesterday”, a weekday within a week, else the date. */
export function shortWhen(at: number, today: number = now()): string {
  const days = daysBetween(at, today);
  if (days <= 0) return clockTime(at);
  if (days === 1) return m.when_yesterday();
  if (days < 7) return format(at, { weekday: 'short' });
  return format(at, sameYear(at, today) ? { day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' });
}

/** For a day separator: “Today”, “Yesterday”, “Friday 20 November”. */
export function dayName(at: number, today: number = now()): string {
  const days = daysBetween(at, today);
  if (days === 0) return m.when_today();
  if (days === 1) return m.when_yesterday();
  return format(at, sameYear(at, today) ? { weekday: 'long', day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' });
}

/** “today, 9:12”, “yesterday, 18:40”, “20 November, 9:12”: inside a sentence. */
export function longAgo(at: number, today: number = now()): string {
  const days = daysBetween(at, today);
  const time = clockTime(at);
  if (days === 0) return m.when_today_at({ time });
  if (days === 1) return m.when_yesterday_at({ time });
  return m.when_date_at({ date: format(at, sameYear(at, today) ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' }), time });
}

/** “20 November”, with the year only when it is another one. */
export const dateOf = (at: number, today: number = now()): string =>
  format(at, sameYear(at, today) ? { day: 'numeric', month: 'long' } : { day: 'numeric', month: 'long', year: 'numeric' });

/** “20 November 2026”. */
export const fullDate = (at: number): string => format(at, { day: 'numeric', month: 'long', year: 'numeric' });

/** “20 November 2026, 9:12”: on paper, which is read on another day. */
export const fullMoment = (at: number): string => m.when_date_at({ date: fullDate(at), time: clockTime(at) });

/** The same of a day that somebody elsewhere wrote down: the one in UTC, wherever it is read. */
export const utcDate = (at: number): string => format(at, { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });

const sameYear = (a: number, b: number): boolean => moment(a).getFullYear() === moment(b).getFullYear();

/** The person's own way of writing the clock when it is in the language of the page. */
function wanted(): string {
  const own = typeof navigator === 'undefined' ? undefined : navigator.languages.find((tag) => tag.split('-')[0] === getLocale());
  return own ?? getLocale();
}
