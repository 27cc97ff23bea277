/** Pushes over HTTP (RFC 8030) in this relay's name (VAPID, RFC 8292): no body, no redirects, a short wait. */
import { createECDH } from 'node:crypto';
import { Agent as HttpAgent, request as overHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import webpush from 'web-push';
import type { Bytes } from '../crypto/brand';
import { base64url } from '../crypto/bytes';
import { hash } from '../crypto/hash';
import { LABEL } from '../crypto/labels';
import type { RelayKeys } from './house';
import { RATE } from './limits';
import type { Places } from './places';
import type { Doorbell, Pushed } from './ringing';

const SEED = 32;
/** The newest push is enough, and all are alike. */
const TOPIC = 'new';

export interface PushParts {
  readonly keys: RelayKeys;
  /** `mailto:` or `https:` of whoever runs the relay. */
  readonly contact: string;
  readonly places: Places;
  /** Milliseconds within which a push leaves. */
  readonly within: number;
  /** Milliseconds since 1970, for `Retry-After` with a date. */
  readonly clock: () => number;
  /** Hears that a push service refused, by its name and status. */
  readonly refused: (service: string, status: number) => void;
}

/** The key pair that push services know this relay by: made from the relay's own key, so that every relay on one store has the same. */
export function vapidKeys(keys: RelayKeys): { readonly pk: Bytes; readonly sk: Bytes } {
  const pair = createECDH('prime256v1');
  const sk = hash(LABEL.bellKey, keys.sk.subarray(0, SEED));
  // one in 2³² is no number of the curve: then the hash of it is
  try {
    pair.setPrivateKey(sk);
  } catch {
    pair.setPrivateKey(hash(LABEL.bellKey, sk));
  }
  return { pk: new Uint8Array(pair.getPublicKey()) as Bytes, sk: new Uint8Array(pair.getPrivateKey()) as Bytes };
}

export function pushDoorbell(p: PushParts): Doorbell {
  const { pk, sk } = vapidKeys(p.keys);
  const vapid = [base64url(pk), base64url(padded(sk))] as const;
  const agents = { 'http:': new HttpAgent({ keepAlive: true, maxSockets: RATE.bellAtOnce }), 'https:': new HttpsAgent({ keepAlive: true, maxSockets: RATE.bellAtOnce }) };

  return {
    key: pk,
    within: p.within,
    placeOf: (said) => p.places.placeOf(said),
    push: (place, signal) =>
      new Promise<Pushed>((done) => {
        const url = new URL(place);
        const { Authorization } = webpush.getVapidHeaders(url.origin, p.contact, ...vapid, 'aes128gcm');
        const headers = { Authorization, TTL: RATE.bellKept, Urgency: 'normal', Topic: TOPIC, 'Content-Length': 0 };
        const later = (): void => done({ later: 0 });
        const lookup = p.places.lookupFor(place);
        const isPlain = url.protocol === 'http:';
        const ask = (isPlain ? overHttp : overHttps)(
          url,
          { method: 'POST', headers, agent: agents[isPlain ? 'http:' : 'https:'], timeout: RATE.bellAnswer, signal: AbortSignal.any([signal, AbortSignal.timeout(RATE.bellAnswer)]), ...(lookup && { lookup }) },
          (answer) => {
            // what it says beyond its status is nothing to us, and not waited for
            answer.resume();
            const what = pushed(answer, p.clock());
            if (what === 'refused') p.refused(url.hostname, answer.statusCode ?? 0);
            done(what);
          }
        );
        ask.on('error', later);
        ask.on('timeout', () => ask.destroy());
        ask.end();
      }).catch(() => 'refused')
  };
}

function pushed(answer: IncomingMessage, now: number): Pushed {
  const status = answer.statusCode ?? 0;
  if (status >= 200 && status < 300) return 'rung';
  if (status === 404 || status === 410) return 'gone';
  if (status !== 429 && status < 500) return 'refused';
  const said = answer.headers['retry-after'] ?? '';
  const wait = /^\d+$/.test(said) ? Number(said) * 1000 : Date.parse(said) - now;
  return { later: wait > 0 ? wait : 0 };
}

/** Leading zeros do not count in a number, but in its bytes they do. */
function padded(sk: Bytes): Bytes {
  const out = new Uint8Array(SEED) as Bytes;
  out.set(sk, SEED - sk.length);
  return out;
}
