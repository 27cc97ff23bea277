/** Times come from whoever wrote them: a member may write any number that the protocol has. */
import { describe, expect, it } from 'vitest';
import { toRows } from '$lib/ui/group/feed-rows';
import { clockTime, dateOf, dayName, fullDate, fullMoment, isoTime, longAgo, shortWhen, utcDate } from '$lib/ui/when';

describe('a time that no calendar has', () => {
  const times = [0, 1_760_000_000_000, 8_640_000_000_000_000, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER];

  it('is shown as the last one that there is, and breaks no screen', () => {
    for (const say of [clockTime, dateOf, dayName, fullDate, fullMoment, isoTime, longAgo, shortWhen, utcDate]) for (const at of times) expect(say(at)).not.toMatch(/NaN|Invalid|^$/);
    expect(isoTime(Number.MAX_SAFE_INTEGER)).toBe(isoTime(8_640_000_000_000_000));
  });

  it('stands in the feed under a day like any other', () => {
    const note = { is: 'note', id: 'n', order: 1, what: 'made', who: 'Fay', me: false, by: null } as const;
    for (const at of times) expect(toRows([{ ...note, at }], null).map((r) => Number.isFinite(r.day))).toEqual([true]);
  });
});
