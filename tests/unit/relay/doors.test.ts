import { describe, expect, it } from 'vitest';
import { addressOf, Doors, isProxy, proxiesOf } from '../../../relay/doors';
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

  const none = proxiesOf([]);
  const told = proxiesOf(['203.0.113.5', '10.1.0.0/16', 'fd00:1:2::/60', '2001:db8::5']);

  it('takes an address from the connection, and from a proxy only when that is on this computer or one it was told of', () => {
    expect(addressOf('203.0.113.5', '1.2.3.4', none)).toBe('203.0.113.5');
    expect(addressOf('::ffff:203.0.113.5', undefined, none)).toBe('203.0.113.5');
    expect(addressOf('127.0.0.1', 'made-up, 198.51.100.7', none)).toBe('198.51.100.7');
    expect(addressOf('::1', undefined, none)).toBe(null);
    expect(addressOf('127.0.0.1', undefined, told)).toBe(null);
    expect(addressOf(undefined, '1.2.3.4', told)).toBe(null);
    for (const proxy of ['203.0.113.5', '10.1.255.9', 'fd00:1:2:f::9', '2001:db8::5', '127.0.0.1', '::1']) expect(addressOf(proxy, '198.51.100.7', told), proxy).toBe('198.51.100.7');
    for (const other of ['203.0.113.6', '10.2.0.1']) expect(addressOf(other, '198.51.100.7', told), other).toBe(other);
    expect(addressOf('fd00:1:2:10::9', '198.51.100.7', told)).toBe('fd00:1:2:10');
  });

  it('takes the last that is no proxy, whatever somebody wrote before it', () => {
    expect(addressOf('10.1.0.1', '1.2.3.4, 198.51.100.7, 10.1.0.2,203.0.113.5', told)).toBe('198.51.100.7');
    expect(addressOf('10.1.0.1', '127.0.0.1, 198.51.100.7', told)).toBe('198.51.100.7');
    // nobody but proxies: the one that it began at
    expect(addressOf('10.1.0.1', '10.1.0.9, 10.1.0.2', told)).toBe('10.1.0.9');
    expect(addressOf('10.1.0.1', ' , ', told)).toBe('10.1.0.1');
  });

  it('knows an address however it is written', () => {
    for (const proxy of ['::ffff:10.1.0.1', '::FFFF:0a01:1', '2001:0DB8:0::5', '2001:db8::5%eth0']) expect(addressOf(proxy, '::ffff:c633:6407', told), proxy).toBe('198.51.100.7');
    expect(addressOf('::ffff:10.1.0.1', '198.51.100.7', proxiesOf(['::ffff:10.1.0.1']))).toBe('198.51.100.7');
  });

  it('is told of proxies by address or network and by nothing else', () => {
    for (const right of ['10.0.0.5', '10.0.0.0/8', '10.0.0.5/32', 'fd00::5', 'fd00::/8', '::ffff:10.0.0.5']) expect(isProxy(right), right).toBe(true);
    for (const wrong of ['', 'caddy', '10.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '10.0.0.0/1e1', 'fd00::/129', 'fe80::1%eth0', '/8', '10.0.0.5:80', '::ffff:10.0.0.0/104']) expect(isProxy(wrong), wrong).toBe(false);
  });

  it('takes all of one customer’s IPv6 addresses for one', () => {
    const one = addressOf('2001:db8:1:2:aaaa::1', undefined, none);
    expect(addressOf('2001:0db8:0001:0002::9', undefined, none)).toBe(one);
    expect(addressOf('2001:db8:1:3::9', undefined, none)).not.toBe(one);
    expect(addressOf('2001:db8::', undefined, none)).toBe('2001:db8:0:0');
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
