import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, RelayPk } from '$crypto/brand';
import { base64url, concat, fromText, unbase64url } from '$crypto/bytes';
import {
  decodeLink, encodeLink, inviteKeys, type InviteKeys, type InviteLink, openAnswer, openCard, openRequest, sealAnswer, sealCard, sealRequest
} from '$crypto/invite-secret';
import { LIMIT } from '$crypto/limits';
import { ready, type Random } from '$crypto/sodium';
import { type Device, joinRequest, makeDevice, seeded } from '../../support/actor';

let random: Random;
let group: GroupId;
let link: InviteLink;
let keys: InviteKeys;
let olivia: Device;
let fay: Device;
beforeAll(async () => {
  await ready();
  random = seeded('invite');
  group = random(32) as Bytes as GroupId;
  link = { group, seq: 12, chain: random(32) as Bytes as Hash, relayPk: random(32) as RelayPk, host: 'care.example:8443', secret: random(16) };
  keys = inviteKeys(group, link.secret);
  olivia = makeDevice(random);
  fay = makeDevice(random);
});
const UNREADABLE = { ok: false, fault: 'unreadable' };
const MALFORMED = { ok: false, fault: 'malformed' };

describe('an invite link', () => {
  it('comes back from its text, with or without the number sign', () => {
    expect(decodeLink(encodeLink(link))).toEqual({ ok: true, value: link });
    expect(decodeLink(`#${encodeLink(link)}\n`)).toEqual({ ok: true, value: link });
  });

  it('is refused cut short, with a letter changed to one outside its alphabet, or of another version', () => {
    const text = encodeLink(link);
    for (let i = 0; i < text.length; i++) expect(decodeLink(text.slice(0, i))).toEqual(MALFORMED);
    expect(decodeLink(`${text.slice(0, 20)}*${text.slice(21)}`)).toEqual(MALFORMED);
    const b = unbase64url(text) as Bytes;
    b[0] = 2;
    expect(decodeLink(base64url(b))).toEqual(MALFORMED);
  });

  it('never throws on any text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), (s) => {
      expect(decodeLink(s)).toEqual(MALFORMED);
    }));
  });

  it('names a host and nothing more: no path, no account, no capital letters', () => {
    for (const host of ['care.example', 'localhost:8787', '127.0.0.1:80', '[::1]:8787', 'xn--bcher-kva.example', 'my_nas.local:8787']) {
      expect(decodeLink(encodeLink({ ...link, host }))).toEqual({ ok: true, value: { ...link, host } });
    }
    for (const host of ['', 'evil.example/path', 'a@b.example', 'Care.example', 'a b', 'a?b', 'a#b', 'bücher.example']) {
      expect(decodeLink(encodeLink({ ...link, host }))).toEqual(MALFORMED);
    }
  });
});

describe('the keys of a link', () => {
  it('are the same for the same secret and group, and share nothing otherwise', () => {
    expect(inviteKeys(group, link.secret)).toEqual(keys);
    const others = [inviteKeys(group, random(16)), inviteKeys(random(32) as Bytes as GroupId, link.secret)];
    for (const o of others) expect([o.invite, o.cardKey]).not.toEqual([keys.invite, keys.cardKey]);
    expect(new Set([keys.cardKey, keys.invite, keys.sk.slice(0, 32)].map(String)).size).toBe(3);
  });
});

describe('an invite card', () => {
  it('opens for the link and for nobody without it, in its group only (P16)', () => {
    const card = sealCard(keys, group, fromText('Olivia invites you'), random);
    expect(openCard(keys, group, card)).toEqual({ ok: true, value: fromText('Olivia invites you') });
    expect(openCard(inviteKeys(group, random(16)), group, card)).toEqual(UNREADABLE);
    expect(openCard(keys, random(32) as Bytes as GroupId, card)).toEqual(UNREADABLE);
    for (let i = 0; i < card.length; i += 7) {
      const bad = card.slice();
      bad[i] = (bad[i] as number) ^ 1;
      expect(openCard(keys, group, bad)).toEqual(UNREADABLE);
      expect(openCard(keys, group, card.slice(0, i))).toEqual(UNREADABLE);
    }
  });
});

describe('a request to join', () => {
  const sealed = () => {
    const ask = joinRequest(random, group, keys, fay);
    return { ask, bytes: sealRequest(group, keys.invite, [{ logPk: olivia.logPk, kem: olivia.kem.pk }], ask, random) };
  };

  it('opens for the devices it was sealed to, and for no other', () => {
    const { ask, bytes } = sealed();
    expect(openRequest(group, keys.invite, { logPk: olivia.logPk, pair: olivia.kem }, bytes)).toEqual({ ok: true, value: ask });
    const mallory = makeDevice(random);
    expect(openRequest(group, keys.invite, { logPk: mallory.logPk, pair: mallory.kem }, bytes)).toEqual(UNREADABLE);
    expect(openRequest(group, keys.invite, { logPk: olivia.logPk, pair: mallory.kem }, bytes)).toEqual(UNREADABLE);
  });

  it('of another invite or group does not open', () => {
    const { bytes } = sealed();
    const reader = { logPk: olivia.logPk, pair: olivia.kem };
    expect(openRequest(group, inviteKeys(group, random(16)).invite, reader, bytes).ok).toBe(false);
    expect(openRequest(random(32) as Bytes as GroupId, keys.invite, reader, bytes).ok).toBe(false);
  });

  it('changed or cut anywhere is a fault', () => {
    const { bytes } = sealed();
    const reader = { logPk: olivia.logPk, pair: olivia.kem };
    for (let i = 0; i < bytes.length; i += 17) {
      const bad = bytes.slice();
      bad[i] = (bad[i] as number) ^ 1;
      expect(openRequest(group, keys.invite, reader, bad).ok).toBe(false);
      expect(openRequest(group, keys.invite, reader, bytes.slice(0, i)).ok).toBe(false);
    }
  });

  it('whose row the invite key or the log key did not sign is refused before anyone is asked', () => {
    const ask = joinRequest(random, group, keys, fay);
    const mallory = makeDevice(random);
    const readers = [{ logPk: olivia.logPk, kem: olivia.kem.pk }];
    const rows = [
      { ...ask.row, redeem: random(64) }, { ...ask.row, claim: random(64) }, { ...ask.row, kem: mallory.kem.pk },
      { ...ask.row, member: mallory.member }, { ...ask.row, logPk: mallory.logPk }
    ];
    for (const row of rows) {
      const bytes = sealRequest(group, keys.invite, readers, { ...ask, row }, random);
      expect(openRequest(group, keys.invite, { logPk: olivia.logPk, pair: olivia.kem }, bytes)).toEqual(MALFORMED);
    }
  });

  it('to every device that two people may have stays within its limit', () => {
    const readers = Array.from({ length: 2 * LIMIT.devicesPerMember }, () => makeDevice(random)).map((d) => ({ logPk: d.logPk, kem: d.kem.pk }));
    const bytes = sealRequest(group, keys.invite, readers, joinRequest(random, group, keys, fay), random);
    expect(bytes.length).toBeLessThanOrEqual(LIMIT.request);
  });
});

describe('an answer', () => {
  it('opens for who asked, for that request only', () => {
    const [key, request] = [random(32), random(16)];
    const sealed = sealAnswer(key, group, request, fromText('refused'), random);
    expect(openAnswer(key, group, request, sealed)).toEqual({ ok: true, value: fromText('refused') });
    expect(openAnswer(random(32), group, request, sealed)).toEqual(UNREADABLE);
    expect(openAnswer(key, group, random(16), sealed)).toEqual(UNREADABLE);
    expect(openAnswer(key, random(32) as Bytes as GroupId, request, sealed)).toEqual(UNREADABLE);
    expect(openAnswer(key, group, request, concat(sealed, new Uint8Array(1)))).toEqual(UNREADABLE);
  });
});
