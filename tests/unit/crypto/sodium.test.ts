import { beforeAll, describe, expect, it } from 'vitest';
import { na, ready, systemRandom } from '$crypto/sodium';

beforeAll(ready);

const USED = [
  'crypto_generichash', 'crypto_generichash_init', 'crypto_generichash_update', 'crypto_generichash_final',
  'crypto_sign_detached', 'crypto_sign_verify_detached', 'crypto_sign_seed_keypair',
  'crypto_aead_xchacha20poly1305_ietf_encrypt', 'crypto_aead_xchacha20poly1305_ietf_decrypt',
  'crypto_kem_xwing_seed_keypair', 'crypto_kem_xwing_enc_deterministic', 'crypto_kem_xwing_dec',
  'crypto_secretstream_xchacha20poly1305_init_pull', 'crypto_secretstream_xchacha20poly1305_push', 'crypto_secretstream_xchacha20poly1305_pull',
  'randombytes_buf'
] as const;

describe('libsodium', () => {
  it.each(USED)('has %s when it runs, not only in its types', (name) => {
    expect(typeof na()[name]).toBe('function');
  });

  it('has X-Wing keys and ciphertexts of the sizes that the wire fixes', () => {
    expect(na().crypto_kem_xwing_PUBLICKEYBYTES).toBe(1216);
    expect(na().crypto_kem_xwing_SECRETKEYBYTES).toBe(32);
    expect(na().crypto_kem_xwing_CIPHERTEXTBYTES).toBe(1120);
    expect(na().crypto_kem_xwing_SHAREDSECRETBYTES).toBe(32);
  });

  it('gives randomness that differs each time', () => {
    expect(systemRandom(32)).not.toEqual(systemRandom(32));
  });
});
