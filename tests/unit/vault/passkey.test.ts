import { beforeAll, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { memoryDevice } from '../../../src/lib/store/memory';
import { addPasskey, passkeys, removePasskey, unlockWithPasskey } from '../../../src/lib/vault/passkey';
import { changePassphrase, createVault, unlockVault, type VaultParts } from '../../../src/lib/vault/vault';
import { seeded } from '../../support/actor';

const WORDS = 'four quiet lamps over harbour';
beforeAll(ready);

async function made(): Promise<{ parts: VaultParts; key: Uint8Array }> {
  const parts: VaultParts = { disk: memoryDevice().open(), random: seeded('passkey'), now: () => 1_000_000, argon: { memory: 64, passes: 1, lanes: 1 } };
  const key = await createVault(parts, WORDS);
  if (!key.ok) throw new Error(key.fault);
  return { parts, key: key.value };
}
const passkey = (n: number) => ({ credential: new Uint8Array(20).fill(n), salt: new Uint8Array(32).fill(n), name: 'This phone' });
const prf = (n: number) => new Uint8Array(32).fill(100 + n);

it('a passkey opens the same vault as the passphrase', async () => {
  const { parts, key } = await made();
  expect((await addPasskey(parts, WORDS, passkey(1), prf(1))).ok).toBe(true);
  expect(await passkeys(parts)).toEqual([passkey(1)]);
  expect(await unlockWithPasskey(parts, passkey(1).credential, prf(1))).toEqual({ ok: true, value: key });
  expect(await unlockVault(parts, WORDS)).toEqual({ ok: true, value: key });
});

it('a passkey is added only with the passphrase, and opens nothing with other PRF bytes or another credential', async () => {
  const { parts } = await made();
  expect(await addPasskey(parts, 'not the right words at all', passkey(1), prf(1))).toEqual({ ok: false, fault: 'wrong-passphrase' });
  expect(await passkeys(parts)).toEqual([]);
  await addPasskey(parts, WORDS, passkey(1), prf(1));
  expect(await unlockWithPasskey(parts, passkey(1).credential, prf(2))).toEqual({ ok: false, fault: 'unknown-passkey' });
  expect(await unlockWithPasskey(parts, passkey(2).credential, prf(1))).toEqual({ ok: false, fault: 'unknown-passkey' });
});

it('a lost or removed passkey loses nothing, and a changed passphrase leaves the passkey valid', async () => {
  const { parts, key } = await made();
  await addPasskey(parts, WORDS, passkey(1), prf(1));
  await addPasskey(parts, WORDS, passkey(2), prf(2));
  await removePasskey(parts, passkey(1).credential);
  expect(await unlockWithPasskey(parts, passkey(1).credential, prf(1))).toEqual({ ok: false, fault: 'unknown-passkey' });
  expect((await changePassphrase(parts, WORDS, 'seven green boats under snow')).ok).toBe(true);
  expect(await unlockWithPasskey(parts, passkey(2).credential, prf(2))).toEqual({ ok: true, value: key });
  expect(await unlockVault(parts, 'seven green boats under snow')).toEqual({ ok: true, value: key });
});
