/** Stands for the library that stretches passphrases: a simulated device should not spend real memory on it. As deterministic, not as slow. */
import { createHash } from 'node:crypto';

interface Asked { readonly password: Uint8Array | string; readonly salt: Uint8Array; readonly memorySize: number; readonly iterations: number; readonly parallelism: number; readonly hashLength: number }

export const argon2id = (a: Asked): Promise<Uint8Array> =>
  Promise.resolve(new Uint8Array(createHash('blake2b512').update(a.password).update(a.salt).update(`${a.memorySize} ${a.iterations} ${a.parallelism}`).digest().subarray(0, a.hashLength)));
