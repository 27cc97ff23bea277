import { describe, expect, it } from 'vitest';
import { clockWords, dateWords, dayWords, languageTag, momentWords } from '$lib/ui/group/times';

const near = { today: 'Today', yesterday: 'Yesterday' };
const at = (month: number, day: number, hour = 8, minute = 5): number => new Date(2026, month - 1, day, hour, minute).getTime();
const now = at(11, 22, 10);

describe('times in words', () => {
  it('follow the habit of the person, not of the language', () => {
    expect(clockWords(at(11, 22, 14, 30), languageTag('en', ['de-DE', 'en-GB']))).toBe('14:30');
    expect(clockWords(at(11, 22, 14, 30), languageTag('en', ['en-US']))).toMatch(/^2:30\sPM$/);
    expect(languageTag('es', ['en-GB'])).toBe('es');
  });

  it('name today and yesterday across midnight and the change of summer time', () => {
    expect(dayWords(at(11, 22, 23, 59), now, 'en-GB', near)).toBe('Today');
    expect(dayWords(at(11, 21, 23, 59), now, 'en-GB', near)).toBe('Yesterday');
    expect(dayWords(at(10, 24, 12), at(10, 25, 12), 'en-GB', near)).toBe('Yesterday');
  });

  it('name the weekday of other days and the year of other years', () => {
    expect(dayWords(at(11, 19), now, 'en-GB', near)).toMatch(/^Thursday,? 19 November$/);
    expect(dayWords(new Date(2025, 4, 1).getTime(), now, 'en-GB', near)).toBe('1 May 2025');
    expect(dateWords(at(11, 19), now, 'en-GB')).toBe('19 November');
  });

  it('give the clock alone only for today', () => {
    expect(momentWords(at(11, 22, 9, 14), now, 'en-GB')).toMatch(/^0?9:14$/);
    expect(momentWords(at(11, 21, 9, 14), now, 'en-GB')).toMatch(/^21 November, 0?9:14$/);
  });
});
