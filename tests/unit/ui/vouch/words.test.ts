import { describe, expect, it } from 'vitest';
import type { PersonView, VouchedView } from '$lib/core/port';
import { fullWords, markWords, onceWords, onlySays, ownWords, vouchedNow, vouchedOnce } from '$lib/ui/vouch/words';

const JUNE = Date.UTC(2027, 6, 1);
const anna = (more: Partial<VouchedView> = {}): VouchedView => ({ organisation: 'a', by: 'St Anna Hospital', name: 'Lee Brandt', role: 'Ward nurse', from: Date.UTC(2026, 10, 23), until: JUNE, trust: 'trusted', ...more });
const lee = (vouched: readonly VouchedView[], more: Partial<PersonView> = {}): PersonView => ({
  member: 'm', name: 'Lee Brandt', role: 'clinician', relationship: '', owner: false, roles: { host: false, successor: false, representative: false }, me: false, since: 0, history: 'start', sameName: false, mark: '0000',
  invitedBy: null, cameOpen: false, verified: null, known: { state: 'seen', at: null, also: [] }, vouched, ended: null, ...more
});

describe('what an organisation says', () => {
  it('stands beside a name while it holds and its organisation is trusted, and at no other time', () => {
    const at = (now: number, v = anna()) => vouchedNow(lee([v]), now)?.by ?? null;
    expect([at(JUNE - 1), at(JUNE), at(Date.UTC(2026, 10, 23)), at(Date.UTC(2026, 10, 23) - 1)]).toEqual(['St Anna Hospital', null, 'St Anna Hospital', null]);
    for (const trust of ['unchecked', 'imitates'] as const) expect(at(JUNE - 1, anna({ trust }))).toBe(null);
    // the one that holds stands for one that is over
    const both = lee([anna(), anna({ organisation: 'b', by: 'Home Care', until: JUNE + 9 })]);
    expect([vouchedNow(both, JUNE)?.by, vouchedOnce(both, JUNE)]).toEqual(['Home Care', null]);
  });

  it('is told as over afterwards, with the day that was written down', () => {
    const once = vouchedOnce(lee([anna()]), JUNE) as VouchedView;
    expect(onceWords(once)).toBe('Was verified by St Anna Hospital until June 30, 2027');
    expect(vouchedOnce(lee([anna({ trust: 'unchecked' })]), JUNE)).toBe(null);
    expect([fullWords(anna(), JUNE - 1), fullWords(anna(), JUNE), ownWords(anna(), 0)].map((s) => s.split('. ').at(-1))).toEqual(['Valid until June 30, 2027.', 'That was valid until June 30, 2027.', 'Valid from November 23, 2026 until June 30, 2027.']);
  });

  it('is about the name it was signed for, whatever the person goes by', () => {
    expect(markWords(anna(), 'lee  brandt')).toBe('Verified by St Anna Hospital');
    expect(markWords(anna(), 'Dr House')).toBe('Verified by St Anna Hospital as Lee Brandt');
  });

  it('is missed where a clinician has nobody’s word but their own', () => {
    expect([onlySays(lee([]), 0), onlySays(lee([anna({ trust: 'unchecked' })]), JUNE - 1), onlySays(lee([anna()]), JUNE - 1), onlySays(lee([anna()]), JUNE)]).toEqual([true, true, false, true]);
    expect([onlySays(lee([], { role: 'family' }), 0), onlySays(lee([], { me: true }), 0)]).toEqual([false, false]);
  });
});
