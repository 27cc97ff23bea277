import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '$crypto/brand';
import type { Argon } from '$crypto/passphrase';
import { ready, systemRandom } from '$crypto/sodium';
import { memoryDevice, type Fate, type MemoryDevice, type Write } from '$lib/store/memory';
import { StoreError } from '$lib/store/store';
import { DELAYS } from '$lib/vault/delay';
import { decodeHeader, encodeHeader } from '$lib/vault/header';
import { changePassphrase, createVault, unlockVault, vaultState, type VaultParts } from '$lib/vault/vault';

const CHEAP: Argon = { memory: 64, passes: 1, lanes: 1 };
const GOOD = 'seven herons cross the quiet marsh';
const OTHER = 'under the old bridge lies a lantern';
const WRONG = 'eight herons cross the quiet marsh';

beforeAll(() => ready());

interface Setting extends VaultParts {
  readonly device: MemoryDevice;
  at: number;
}

function setting(fate?: (w: Write) => Fate): Setting {
  const device = memoryDevice(fate === undefined ? {} : { fate });
  const s: Setting = { device, disk: device.open(), random: systemRandom, argon: CHEAP, at: 1_700_000_000_000, now: () => s.at };
  return s;
}

/** A setting with a vault, and its key. */
async function made(): Promise<{ s: Setting; key: Bytes }> {
  const s = setting();
  const key = await createVault(s, GOOD);
  if (!key.ok) throw new Error(key.fault);
  return { s, key: key.value };
}

const headerOf = async (s: Setting): Promise<Bytes> => (await s.disk.header()) as Bytes;

describe('the vault', () => {
  it('opens with its passphrase in a fresh process and gives the same key', async () => {
    const { s, key } = await made();
    expect(key).toHaveLength(32);
    const later: VaultParts = { ...s, disk: s.device.open() };
    expect(await unlockVault(later, GOOD)).toEqual({ ok: true, value: key });
  });

  it('opens with the cost its header tells, not with the cost of today', async () => {
    const { s, key } = await made();
    expect(await unlockVault({ ...s, argon: { memory: 128, passes: 2, lanes: 1 } }, GOOD)).toEqual({ ok: true, value: key });
  });

  it('takes spaces added by a phone and another Unicode form for the same passphrase', async () => {
    const s = setting();
    const key = await createVault(s, 'mañana café übermorgen río');
    expect(key.ok).toBe(true);
    expect(await unlockVault(s, '  mañana  café übermorgen río '.normalize('NFD'))).toEqual(key);
  });

  it('is told apart from none', async () => {
    const s = setting();
    expect(await vaultState(s)).toEqual({ is: 'none' });
    expect(await unlockVault(s, GOOD)).toEqual({ ok: false, fault: 'no-vault' });
    await createVault(s, GOOD);
    expect(await vaultState(s)).toEqual({ is: 'made', wrongTries: 0, retryAt: null });
  });

  it('is never made over one that exists', async () => {
    const { s, key } = await made();
    expect(await createVault(s, OTHER)).toEqual({ ok: false, fault: 'exists' });
    expect(await unlockVault(s, GOOD)).toEqual({ ok: true, value: key });
  });

  it('is made once when two tabs make it together', async () => {
    const s = setting();
    const both = await Promise.all([createVault(s, GOOD), createVault({ ...s, disk: s.device.open() }, GOOD)]);
    const winner = both.filter((r) => r.ok);
    expect(winner).toHaveLength(1);
    expect(await unlockVault(s, GOOD)).toEqual(winner[0]);
  });

  it('is not made with a weak passphrase', async () => {
    const s = setting();
    expect(await createVault(s, 'password1')).toEqual({ ok: false, fault: 'weak-passphrase' });
    expect(await s.disk.header()).toBeNull();
  });

  it('holds neither key nor passphrase in its header', async () => {
    const { s, key } = await made();
    const dump = Buffer.from(await headerOf(s));
    expect(dump.includes(Buffer.from(key))).toBe(false);
    expect(dump.includes('herons')).toBe(false);
  });

  it('says damaged when its header was changed, and leaves it as it is', async () => {
    const { s } = await made();
    const bytes = await headerOf(s);
    for (const at of [0, 5, 40, bytes.length - 1]) {
      const bent = bytes.slice();
      bent[at] = (bent[at] as number) ^ 1;
      await s.disk.swapHeader(await s.disk.header(), bent);
      expect(await unlockVault(s, GOOD)).toEqual({ ok: false, fault: 'damaged' });
      expect(await vaultState(s)).toEqual({ is: 'damaged' });
      expect(await s.disk.header()).toEqual(bent);
    }
  });

  it('keeps kinds of wrap and endings that a later build wrote', async () => {
    const { s } = await made();
    const before = decodeHeader(await headerOf(s));
    if (!before.ok) throw new Error(before.fault);
    const future = { kind: 'passkey', body: systemRandom(48) };
    const more = systemRandom(7);
    await s.disk.swapHeader(await s.disk.header(), encodeHeader({ ...before.value, wraps: [future, ...before.value.wraps], more }));
    expect(await changePassphrase(s, GOOD, OTHER)).toEqual({ ok: true, value: null });
    const after = decodeHeader(await headerOf(s));
    expect(after.ok && after.value.wraps).toContainEqual(future);
    expect(after.ok && after.value.more).toEqual(more);
  });
});

describe('a wrong passphrase', () => {
  it('is refused, and after two the wait grows to a minute and no further', async () => {
    const { s, key } = await made();
    for (const [i, delay] of [...DELAYS, 60_000, 60_000].entries()) {
      expect(await unlockVault(s, WRONG)).toEqual({ ok: false, fault: 'wrong-passphrase' });
      expect(await vaultState(s)).toEqual({ is: 'made', wrongTries: i + 1, retryAt: delay === 0 ? null : s.at + delay });
      if (delay > 0) {
        s.at += delay - 1;
        expect(await unlockVault(s, GOOD)).toEqual({ ok: false, fault: 'too-soon' });
        s.at += 1;
      }
    }
    expect(await unlockVault(s, GOOD)).toEqual({ ok: true, value: key });
    expect(await vaultState(s)).toEqual({ is: 'made', wrongTries: 0, retryAt: null });
  });

  it('is remembered over a restart', async () => {
    const { s } = await made();
    for (let i = 0; i < 3; i++) await unlockVault(s, WRONG);
    s.device.cut();
    expect(await unlockVault({ ...s, disk: s.device.open() }, GOOD)).toEqual({ ok: false, fault: 'too-soon' });
  });

  it('is counted even when the tab closes before it was judged', async () => {
    const { s } = await made();
    const closing = s.device.open();
    const tried = unlockVault(
      {
        ...s,
        disk: { header: () => closing.header(), swapHeader: async (a, b) => closing.swapHeader(a, b).finally(() => closing.close()) }
      },
      WRONG
    );
    await tried.catch(() => null);
    expect(await vaultState(s)).toMatchObject({ wrongTries: 1 });
  });

  it('tried twenty times at once counts twenty times or waits', async () => {
    const { s } = await made();
    const all = await Promise.all(Array.from({ length: 20 }, () => unlockVault(s, WRONG)));
    const judged = all.filter((r) => !r.ok && r.fault === 'wrong-passphrase').length;
    expect(judged).toBe(3);
    expect(await vaultState(s)).toMatchObject({ wrongTries: 3 });
  });

  it('does not lock out for longer than a minute when the clock is set back', async () => {
    const { s, key } = await made();
    for (const delay of DELAYS) {
      await unlockVault(s, WRONG);
      s.at += delay;
    }
    await unlockVault(s, WRONG);
    s.at -= 365 * 24 * 3600_000;
    const state = await vaultState(s);
    expect(state).toMatchObject({ retryAt: s.at + 60_000 });
    s.at += 60_000;
    expect(await unlockVault(s, GOOD)).toEqual({ ok: true, value: key });
  });

  it('is not judged at all when the device is full, and the right one still opens', async () => {
    let full = false;
    const s = setting(() => (full ? 'full' : 'done'));
    const key = await createVault(s, GOOD);
    full = true;
    expect(await unlockVault(s, WRONG)).toEqual({ ok: false, fault: 'wrong-passphrase' });
    expect(await unlockVault(s, GOOD)).toEqual(key);
  });
});

describe('changing the passphrase', () => {
  it('keeps the key and leaves only the new passphrase valid', async () => {
    const { s, key } = await made();
    expect(await changePassphrase(s, GOOD, OTHER)).toEqual({ ok: true, value: null });
    expect(await unlockVault(s, OTHER)).toEqual({ ok: true, value: key });
    expect(await unlockVault(s, GOOD)).toEqual({ ok: false, fault: 'wrong-passphrase' });
  });

  it('needs the old one, and counts a wrong one', async () => {
    const { s, key } = await made();
    expect(await changePassphrase(s, WRONG, OTHER)).toEqual({ ok: false, fault: 'wrong-passphrase' });
    expect(await vaultState(s)).toMatchObject({ wrongTries: 1 });
    expect(await unlockVault(s, GOOD)).toEqual({ ok: true, value: key });
  });

  it('refuses a weak new one', async () => {
    const { s, key } = await made();
    expect(await changePassphrase(s, GOOD, 'Olivia2024')).toEqual({ ok: false, fault: 'weak-passphrase' });
    expect(await unlockVault(s, GOOD)).toEqual({ ok: true, value: key });
  });

  it('cut anywhere leaves exactly one passphrase that opens the same key', async () => {
    for (const fate of ['lost', 'done-unheard'] as const) {
      for (let stop = 1; stop <= 3; stop++) {
        let writes = -1;
        const s = setting(() => (writes >= 0 && ++writes === stop ? fate : 'done'));
        const key = await createVault(s, GOOD);
        writes = 0;
        await expect(changePassphrase(s, GOOD, OTHER)).rejects.toBeInstanceOf(StoreError);
        s.device.cut();
        writes = -1;
        const fresh: VaultParts = { ...s, disk: s.device.open() };
        const opened = [await unlockVault(fresh, GOOD), await unlockVault(fresh, OTHER)].filter((r) => r.ok);
        expect(opened).toEqual([key]);
      }
    }
  });
});
