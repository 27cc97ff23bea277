import { describe, expect, it } from 'vitest';
import { addressOf, Doors } from '../../../relay/doors';
import { type Bucket, Paces, RATE } from '../../../relay/limits';

describe('the door', () => {
  it('lets a crowd in one after the other and says how many seconds to wait', () => {
    let now = 0;
    const doors = new Doors(0, 1000, () => now);
    for (let i = 0; i < RATE.comeAtOnce; i++) expect(doors.enter('a')).toBe(0);
    expect(doors.enter('a')).toBe(1);
    expect(doors.enter('b')).toBe(1);
    now = 1000;
    let came = 0;
    while (doors.enter('c') === 0) came++;
    expect(came).toBe(RATE.comePerSecond);
  });

  it('counts those who are inside from one address, and not those from this computer', () => {
    const doors = new Doors(2, 0, () => 0);
    expect([doors.enter('a'), doors.enter('a'), doors.enter('a'), doors.enter('b')]).toEqual([0, 0, RATE.comeAgain, 0]);
    doors.leave('a');
    expect([doors.enter('a'), doors.enter('a')]).toEqual([0, RATE.comeAgain]);
    for (let i = 0; i < 9; i++) expect(doors.enter(null)).toBe(0);
  });

  it('takes an address from the connection, and from a proxy only when that is on this computer', () => {
    expect(addressOf('203.0.113.5', '1.2.3.4')).toBe('203.0.113.5');
    expect(addressOf('::ffff:203.0.113.5', undefined)).toBe('203.0.113.5');
    expect(addressOf('127.0.0.1', 'made-up, 198.51.100.7')).toBe('198.51.100.7');
    expect(addressOf('::1', undefined)).toBe(null);
    expect(addressOf('127.0.0.1', undefined)).toBe(null);
  });

  it('takes all of one customer’s IPv6 addresses for one', () => {
    const one = addressOf('2001:db8:1:2:aaaa::1', undefined);
    expect(addressOf('2001:0db8:0001:0002::9', undefined)).toBe(one);
    expect(addressOf('2001:db8:1:3::9', undefined)).not.toBe(one);
    expect(addressOf('2001:db8::', undefined)).toBe('2001:db8:0:0');
  });
});

describe('a member’s bytes', () => {
  it('are counted together over all its devices, and what is too much is waited for', () => {
    let now = 0;
    const paces = new Paces(1000, () => now);
    expect(paces.bytesOf('group fay')).toBe(paces.bytesOf('group fay'));
    expect(paces.bytesOf('group fay')).not.toBe(paces.bytesOf('group pat'));
    const b: Bucket = paces.bytesOf('group fay');
    expect(b.take(now, RATE.bytesAtOnce)).toBe(0);
    expect(b.take(now, RATE.bytesPerSecond)).toBe(1000);
    now = 3000;
    expect(b.take(now, RATE.bytesPerSecond)).toBe(0);
  });
});
