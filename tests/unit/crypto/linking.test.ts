import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { GroupId, KemPk, LogPk, RelayPk } from '$crypto/brand';
import { openDeviceName, sealDeviceName } from '$crypto/device-name';
import { kemPair } from '$crypto/lockbox';
import {
  commitTo, decodeMeet, encodeMeet, isCommitted, LINK_SECRET, linkCode, linkNumber, linkSecret, meetKeys, type Opening, openHalf, openMeet, openWords, sealHalf, sealMeet, sealWords, sessionKey, transcript
} from '$crypto/linking';
import { ready, type Random } from '$crypto/sodium';
import { seeded } from '../../support/actor';

let random: Random;
beforeAll(async () => {
  await ready();
  random = seeded('linking');
});
const opening = (name = 'Phone', seed = random(32)): Opening => ({ nonce: random(32), kem: kemPair(seed).pk, relayPk: random(32) as RelayPk, name });

describe('a code', () => {
  it('is read however it was typed: small letters, spaces for dashes, and letters that are taken for digits', () => {
    for (let i = 0; i < 50; i++) {
      const secret = random(LINK_SECRET);
      const code = linkCode(secret);
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){5}[0-9A-HJKMNP-TV-Z]{4}$/);
      for (const typed of [code, code.toLowerCase(), ` ${code.replaceAll('-', ' ')} `, code.replaceAll('1', 'l').replaceAll('0', 'o')]) expect(linkSecret(typed)).toEqual(secret);
    }
  });
  it('with one letter wrong, or two in each other’s place, is almost never taken for another', () => {
    let taken = 0;
    for (let i = 0; i < 600; i++) {
      const letters = [...linkCode(random(LINK_SECRET)).replaceAll('-', '')];
      const at = i % 23;
      if (i % 2 === 0) letters[at] = letters[at] === 'A' ? 'B' : 'A';
      else [letters[at], letters[at + 1]] = [letters[at + 1] as string, letters[at] as string];
      if (linkSecret(letters.join('')) !== null && (i % 2 === 0 || letters[at] !== letters[at + 1])) taken++;
    }
    expect(taken).toBeLessThan(20);
  });
  it('of any other text is none, and never an exception', () => {
    for (const text of ['', 'U'.repeat(24), '0'.repeat(23), '0'.repeat(25), 'AAAA-AAAA', '💊'.repeat(12)]) expect(linkSecret(text)).toBeNull();
    fc.assert(fc.property(fc.string({ maxLength: 40 }), (s) => void linkSecret(s)));
  });
});

describe('what is said at a meeting', () => {
  it('opens for its code, at its place, as said by its side, and nowhere else', () => {
    const keys = meetKeys(random(LINK_SECRET));
    const item = sealMeet(keys, 2, 'live', encodeMeet({ is: 'stop' }), random);
    expect(openMeet(keys, 2, item)).toMatchObject({ ok: true, value: { side: 'live' } });
    expect(openMeet(keys, 3, item).ok).toBe(false);
    expect(openMeet(meetKeys(random(LINK_SECRET)), 2, item).ok).toBe(false);
    const turned = item.slice();
    turned[0] = 0;
    expect(openMeet(keys, 2, turned).ok).toBe(false);
    for (let i = 0; i < item.length; i += 7) {
      const bad = item.slice();
      bad[i]! ^= 1;
      expect(openMeet(keys, 2, bad).ok).toBe(false);
    }
    expect(openMeet(keys, 2, new Uint8Array(0)).ok).toBe(false);
  });
  it('has one encoding, and any bytes are words or malformed', () => {
    const words = [{ is: 'commit', commit: commitTo(opening()) }, { is: 'answer', opening: opening('Zoë’s') }, { is: 'approve', half: random(1192) }, { is: 'sealed', sealed: random(9) }, { is: 'stop' }] as const;
    for (const w of words) expect(decodeMeet(encodeMeet(w))).toEqual({ ok: true, value: w });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (b) => {
        const d = decodeMeet(b);
        if (d.ok) expect(encodeMeet(d.value)).toEqual(b);
      })
    );
  });
});

describe('the number', () => {
  it('covers both openings and the meeting: six digits, other ones when anything of it is another', () => {
    const id = meetKeys(random(LINK_SECRET)).id;
    const [a, b] = [opening('Laptop'), opening('Phone')];
    const t = transcript(id, a, b);
    expect(linkNumber(t)).toMatch(/^\d{6}$/);
    const others = [
      transcript(meetKeys(random(LINK_SECRET)).id, a, b), transcript(id, b, a), transcript(id, { ...a, name: 'Lap' }, b), transcript(id, a, { ...b, nonce: random(32) }),
      transcript(id, { ...a, kem: kemPair(random(32)).pk }, b), transcript(id, a, { ...b, kem: kemPair(random(32)).pk }), transcript(id, a, { ...b, relayPk: random(32) as RelayPk })
    ];
    for (const o of others) expect(linkNumber(o)).not.toBe(linkNumber(t));
  });
  it('is fixed for the new device before it shows its key: another opening than it committed to is told', () => {
    const [a, b] = [opening(), opening()];
    expect(isCommitted(commitTo(a), a)).toBe(true);
    expect(isCommitted(commitTo(a), b)).toBe(false);
    expect(isCommitted(commitTo(a), { ...a, name: 'Another' })).toBe(false);
  });
  it('stands for a session key that whoever knows the code, and both openings, does not get', () => {
    const id = meetKeys(random(LINK_SECRET)).id;
    const [seedNew, seedLive] = [random(32), random(32)];
    const [a, b] = [opening('Laptop', seedNew), opening('Phone', seedLive)];
    const t = transcript(id, a, b);
    const [x, y] = [random(32), random(32)];
    const [forLive, forNew] = [sealHalf(b.kem, t, 'new', x, random), sealHalf(a.kem, t, 'live', y, random)];
    expect(openHalf(kemPair(seedLive), t, 'new', forLive)).toEqual({ ok: true, value: x });
    expect(openHalf(kemPair(seedNew), t, 'live', forNew)).toEqual({ ok: true, value: y });
    expect(openHalf(kemPair(random(32)), t, 'new', forLive).ok).toBe(false);
    expect(openHalf(kemPair(seedLive), t, 'live', forLive).ok).toBe(false);
    const key = sessionKey(t, x, y);
    const sealed = sealWords(key, id, 5, 'live', random(40), random);
    expect(openWords(key, id, 5, 'live', sealed).ok).toBe(true);
    for (const other of [sessionKey(t, x, random(32)), sessionKey(t, random(32), y), sessionKey(t, y, x)]) expect(openWords(other, id, 5, 'live', sealed).ok).toBe(false);
    expect(openWords(key, id, 6, 'live', sealed).ok).toBe(false);
    expect(openWords(key, id, 5, 'new', sealed).ok).toBe(false);
  });
  it('of a KEM key that is none leads to no session, and to no exception', () => {
    const t = transcript(meetKeys(random(LINK_SECRET)).id, opening(), opening());
    expect(sealHalf(new Uint8Array(1216) as KemPk, t, 'live', random(32), random)).toHaveLength(1192);
  });
});

describe('a device’s name', () => {
  it('opens for the same person’s devices, in the log that said it', () => {
    const [seed, group, log] = [random(32), random(32) as GroupId, random(32) as LogPk];
    const sealed = sealDeviceName(seed, group, log, random(20), random);
    expect(openDeviceName(seed, group, log, sealed).ok).toBe(true);
    expect(openDeviceName(random(32), group, log, sealed).ok).toBe(false);
    expect(openDeviceName(seed, group, random(32) as LogPk, sealed).ok).toBe(false);
    expect(openDeviceName(seed, random(32) as GroupId, log, sealed).ok).toBe(false);
    expect(openDeviceName(seed, group, log, new Uint8Array(3)).ok).toBe(false);
  });
});
