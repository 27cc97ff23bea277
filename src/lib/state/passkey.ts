/**
 * Passkeys of this device, page side: WebAuthn with the PRF extension, whose 32 bytes unlock the vault beside the passphrase. The
 * salt is given at `create()` already, since some authenticators answer the PRF only then.
 */
import type { PasskeyView } from '$lib/core/port';

type Bytes = Uint8Array<ArrayBuffer>;

export interface PasskeyMade {
  readonly passkey: PasskeyView;
  readonly prf: Bytes;
}
/** `cancelled`: the person or the system said no. `no-prf`: this passkey can't unlock anything. */
export type PasskeyFault = 'cancelled' | 'no-prf';

/** Whether it is worth offering: the browser knows passkeys at all. */
export const canUsePasskeys = (): boolean => typeof PublicKeyCredential !== 'undefined' && 'credentials' in navigator;

/** Whether a host is a number instead of a name: no browser makes a passkey there. */
export const isNumbered = (host: string): boolean => /^\[|^\d+(\.\d+){3}$/.test(host);

const random = (size: number): Bytes => crypto.getRandomValues(new Uint8Array(size));

/** Makes a passkey on this device. Nothing in it names a person or a group. */
export async function makePasskey(name: string): Promise<PasskeyMade | PasskeyFault> {
  const salt = random(32);
  const made = await ask(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Carefold' },
        user: { id: random(16), name, displayName: name },
        challenge: random(32),
        pubKeyCredParams: [
          { type: 'public-key', alg: -8 },
          { type: 'public-key', alg: -7 },
          { type: 'public-key', alg: -257 }
        ],
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        extensions: { prf: { eval: { first: salt } } }
      }
    })
  );
  if (made === null) return 'cancelled';
  const credential = new Uint8Array(made.rawId);
  const prf = prfOf(made) ?? (made.getClientExtensionResults().prf?.enabled === true ? await usePasskey([{ credential, salt }]) : null);
  if (prf === null) return 'no-prf';
  if (typeof prf === 'string') return prf;
  return { passkey: { credential, salt, name }, prf: prf instanceof Uint8Array ? prf : prf.prf };
}

/** Asks for one of the passkeys and returns its PRF bytes. */
export async function usePasskey(known: readonly Pick<PasskeyView, 'credential' | 'salt'>[]): Promise<{ credential: Bytes; prf: Bytes } | PasskeyFault> {
  const evalByCredential = Object.fromEntries(known.map((k) => [base64url(k.credential), { first: k.salt }]));
  const got = await ask(() =>
    navigator.credentials.get({
      publicKey: {
        challenge: random(32),
        allowCredentials: known.map((k) => ({ type: 'public-key', id: k.credential })),
        userVerification: 'required',
        extensions: { prf: { evalByCredential } }
      }
    })
  );
  if (got === null) return 'cancelled';
  const prf = prfOf(got);
  return prf === null ? 'no-prf' : { credential: new Uint8Array(got.rawId), prf };
}

async function ask(what: () => Promise<Credential | null>): Promise<PublicKeyCredential | null> {
  try {
    return (await what()) as PublicKeyCredential | null;
  } catch {
    return null;
  }
}

function prfOf(c: PublicKeyCredential): Bytes | null {
  const first = c.getClientExtensionResults().prf?.results?.first;
  if (first === undefined) return null;
  return first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array(first.buffer as ArrayBuffer, first.byteOffset, first.byteLength).slice();
}

const base64url = (b: Bytes): string => btoa(String.fromCharCode(...b)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
