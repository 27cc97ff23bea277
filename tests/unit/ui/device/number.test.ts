import { describe, expect, it } from 'vitest';
import { deviceKind, platformName } from '$lib/state/surroundings';
import { bareCode, inParts, minutesLeft } from '$lib/ui/device/number';

describe('a number to compare', () => {
  it('is read in threes when it is short and in fours when it is long', () => {
    expect(inParts('482109')).toBe('482 109');
    expect(inParts('482109375510')).toBe('4821 0937 5510');
    expect(inParts('ABCDEFGHIJ')).toBe('ABCD EFGH IJ');
  });

  it('typed with spaces and line ends is the same code', () => {
    expect(bareCode(' AB12 CD34\n EF ')).toBe('AB12CD34EF');
  });
});

describe('the time that is left', () => {
  it('is minutes and two digits of seconds', () => {
    expect([0, 9, 60, 249].map(minutesLeft)).toEqual(['0:00', '0:09', '1:00', '4:09']);
  });
});

describe('the name proposed for a device', () => {
  it('follows what it looks like', () => {
    const both = (userAgent: string, maxTouchPoints = 0) => [deviceKind({ userAgent, maxTouchPoints }), platformName({ userAgent, maxTouchPoints })];
    expect(both('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15', 5)).toEqual(['phone', 'iPhone']);
    expect(both('Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/130 Mobile Safari/537.36', 5)).toEqual(['phone', 'Android']);
    expect(both('Mozilla/5.0 (Linux; Android 14; SM-X200) AppleWebKit/537.36 Chrome/130 Safari/537.36', 5)).toEqual(['tablet', 'Android']);
    expect(both('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15', 5)).toEqual(['tablet', 'iPad']);
    expect(both('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15')).toEqual(['laptop', 'Mac']);
    expect(both('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36')).toEqual(['laptop', 'Windows']);
    expect(both('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130 Safari/537.36')).toEqual(['laptop', 'Linux']);
    expect(platformName({ userAgent: 'something else', maxTouchPoints: 0 })).toBe('');
  });
});
