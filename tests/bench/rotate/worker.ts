/** New keys for a group of many devices, as the worker makes them, and the bare encapsulations that no way of making them can do without. */
import type { Bytes, Hash, KemPk, LogPk } from '../../../crypto/brand';
import { newEpochKeys } from '../../../crypto/epoch';
import { kemPair } from '../../../crypto/lockbox';
import { signEntry } from '../../../crypto/roster/entry';
import { na, ready, systemRandom } from '../../../crypto/sodium';
import { makeRotation } from '../../../src/lib/core/change';

export interface Rounds { readonly ours: readonly number[]; readonly floor: readonly number[] }

const place = { prev: systemRandom(32) as Hash, seq: 1_000 };

function timed(what: () => unknown): number {
  const began = performance.now();
  what();
  return performance.now() - began;
}

self.onmessage = async ({ data }: MessageEvent<{ devices: number; rounds: number }>) => {
  await ready();
  const author = na().crypto_sign_keypair();
  const rows = Array.from({ length: data.devices }, () => ({ logPk: systemRandom(32) as LogPk, kem: kemPair(systemRandom(32)).pk }));
  const ours = (): unknown => {
    const { rotation } = makeRotation(place, rows, newEpochKeys(systemRandom), systemRandom, () => []);
    return signEntry({ ...place, author: author.publicKey as unknown as LogPk, body: { kind: 'rotate', rotation } }, author.privateKey as Bytes);
  };
  const floor = (): void => rows.forEach((r: { kem: KemPk }) => na().crypto_kem_xwing_enc_deterministic(r.kem, systemRandom(64)));
  ours();
  floor();
  const got = { ours: [] as number[], floor: [] as number[] };
  for (let i = 0; i < data.rounds; i++) {
    got.ours.push(timed(ours));
    got.floor.push(timed(floor));
  }
  self.postMessage(got satisfies Rounds);
};
