/** What leaves for a push service, against one that is written to RFC 8030 and listens on the loopback address. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ready } from '../../../crypto/sodium';
import { configOf } from '../../../relay/config';
import { isOutside, placesOf } from '../../../relay/places';
import { pushDoorbell, vapidKeys } from '../../../relay/push';
import type { Doorbell, Pushed } from '../../../relay/ringing';
import { makeRelay, seeded } from '../../support/actor';
import { type PushService, startPushService } from '../../support/push-service';

const NOW = 1_900_000_000_000;
const keys = (): { pk: never; sk: never } => makeRelay(seeded('push')) as never;
let service: PushService;
let refused: string[];

beforeAll(ready);
beforeEach(async () => {
  service = await startPushService(() => Date.now());
  refused = [];
});
afterEach(() => service.close());

const doorbell = (places = placesOf([service.origin])): Doorbell =>
  pushDoorbell({ keys: keys(), contact: 'mailto:operator@example.org', places, within: 0, clock: () => NOW, refused: (name, status) => refused.push(`${name} ${status}`) });
const push = (place = service.place(), bell = doorbell()): Promise<Pushed> => bell.push(place, new AbortController().signal);

describe('a push', () => {
  it('is one that a push service takes: signed for it by the relay’s key, with a time to live, an urgency and a topic, and no body', async () => {
    expect(await push()).toBe('rung');
    const [sent] = service.sent;
    expect(sent?.headers).toMatchObject({ ttl: '86400', urgency: 'normal', topic: 'new', 'content-length': '0' });
    expect(sent?.body).toHaveLength(0);
    expect(sent?.headers.authorization).toContain(`k=${Buffer.from(vapidKeys(keys()).pk).toString('base64url')}`);
    const claims = JSON.parse(Buffer.from(/t=[^.]+\.([^.]+)/.exec(sent?.headers.authorization ?? '')?.[1] ?? '', 'base64url').toString()) as object;
    expect(Object.keys(claims).sort()).toEqual(['aud', 'exp', 'sub']);
  });

  it('is the same for everybody but for the address: nothing in it is of a group or a person', async () => {
    const bell = doorbell();
    await push(service.place(), bell);
    await push(service.place(), bell);
    const [a, b] = service.sent.map((s) => ({ ...s.headers, authorization: '' }));
    expect(a).toEqual(b);
    expect(Object.keys(a ?? {}).sort()).toEqual(['authorization', 'connection', 'content-length', 'host', 'topic', 'ttl', 'urgency']);
  });

  it('to a place that is no more says so, and one that is put off says for how long', async () => {
    service.answers.push({ status: 404 }, { status: 410 }, { status: 429, after: '90' }, { status: 503, after: new Date(NOW + 60_000).toUTCString() }, { status: 500 }, { status: 429, after: '-5' });
    const got: Pushed[] = [];
    for (let i = 0; i < 6; i++) got.push(await push());
    expect(got).toEqual(['gone', 'gone', { later: 90_000 }, { later: 60_000 }, { later: 0 }, { later: 0 }]);
  });

  it('follows no redirect, and a refusal is told by name and number alone', async () => {
    service.answers.push({ status: 307, to: service.place() }, { status: 403 });
    expect([await push(), await push()]).toEqual(['refused', 'refused']);
    expect(service.sent).toHaveLength(2);
    expect(refused).toEqual(['127.0.0.1 307', '127.0.0.1 403']);
  });

  it('goes where the place leads by one reading of it, however it was written, and to what leads nowhere it never leaves', async () => {
    const place = service.place();
    const said = [place.replace('http://', 'http:////'), place.replace('127.0.0.1', '%3127.0.0.1'), place.replace('http:', 'HTTP:\t')];
    for (const one of said) expect(await push(one), one).toBe('rung');
    expect(service.sent.map((s) => s.place)).toEqual(said.map(() => place));
    for (const none of ['', 'nowhere', 'https://', 'mailto:a@example.org']) expect(await push(none), none).toBe('refused');
  });

  it('that finds nobody listening, or is broken off, is put off', async () => {
    const place = service.place();
    const off = new AbortController();
    off.abort();
    expect(await doorbell().push(place, off.signal)).toEqual({ later: 0 });
    expect(service.sent).toHaveLength(0);
    await service.close();
    expect(await push(place)).toEqual({ later: 0 });
  });

  it('never reaches an address around the relay, by whatever name', async () => {
    const place = service.place().replace('127.0.0.1', 'localhost').replace('http:', 'https:');
    const places = { ...placesOf(['localhost.example']), placeOf: (said: string) => said };
    expect(await push(place, doorbell(places))).toEqual({ later: 0 });
    expect(service.sent).toHaveLength(0);
    let knocks = 0;
    const fault = await new Promise<Error | null>((done) => places.lookupFor(place)?.('localhost', {}, (e) => (knocks++, done(e))));
    expect([fault?.message, knocks]).toEqual(['no address outside', 1]);
  });
});

describe('a place', () => {
  it('is one of a push service that is known, or that the operator named', () => {
    const { placeOf } = placesOf(['push.example.org', '*.ward.example', 'http://10.0.0.5:8080']);
    const good = ['https://fcm.googleapis.com/fcm/send/x', 'https://updates.push.services.mozilla.com/wpush/v2/x', 'https://web.push.apple.com/x', 'https://wns2-db5p.notify.windows.com/w/?token=x', 'https://push.example.org/x', 'https://a.ward.example/x', 'http://10.0.0.5:8080/x'];
    expect(good.map(placeOf)).toEqual(good);
    const bad = [
      '', 'x', 'http://fcm.googleapis.com/x', 'https://fcm.googleapis.com:8443/x', 'https://fcm.googleapis.com.evil.example/x', 'https://evilfcm.googleapis.com/x', 'https://user@fcm.googleapis.com/x', 'https://fcm.googleapis.com/x#y',
      'https://127.0.0.1/x', 'https://[::1]/x', 'https://10.0.0.5/x', 'http://10.0.0.5:8081/x', 'https://ward.example/x', 'file:///etc/passwd', 'https://169.254.169.254/latest', 'https://2130706433/x', 'https://a"b.push.apple.com/x', "https://a'b.push.apple.com/x", 'https://a;b.push.apple.com/x'
    ];
    expect(bad.filter((p) => placeOf(p) !== null)).toEqual([]);
  });

  it('is written in one way, however a device wrote it', () => {
    const { placeOf } = placesOf([]);
    for (const said of ['https:////fcm.googleapis.com/x', 'https://%66cm.googleapis.com/x', 'HTTPS:\\\\FCM.googleapis.com:443/x', ' https:fcm.google\tapis.com/x']) expect(placeOf(said), said).toBe('https://fcm.googleapis.com/x');
  });

  it('is of the internet, not of this computer or a network around it', () => {
    const inside = [
      '127.0.0.1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255', '224.0.0.1', '198.18.0.1', '::1', '::', 'fe80::1', 'fd00::1', 'ff02::1',
      '::ffff:127.0.0.1', '::ffff:8.8.8.8', '64:ff9b::7f00:1', '2002:7f00:1::', '2001:db8::1', '2001:0:1::', 'localhost', ''
    ];
    expect(inside.filter(isOutside)).toEqual([]);
    expect(['8.8.8.8', '142.250.1.1', '172.32.0.1', '2a00:1450:4001:80e::200a', '2620:149::1'].filter((a) => !isOutside(a))).toEqual([]);
  });

  it('is widened by the operator in words that can be judged', () => {
    const said = (push: string): unknown => {
      const c = configOf({ CAREFOLD_PUSH: push });
      return c.ok ? c.value.push : c.fault;
    };
    expect(said('push.example.org, *.example.org https://10.0.0.5:8443')).toEqual(['push.example.org', '*.example.org', 'https://10.0.0.5:8443']);
    for (const bad of ['https://push.example.org/path', '*', 'ftp://push.example.org', 'user@push.example.org']) expect(said(bad)).toMatch(/^CAREFOLD_PUSH must be push services like/);
  });
});

describe('the key that push services know a relay by', () => {
  it('is made from the relay’s own, the same each time and at every relay that has it', () => {
    expect(vapidKeys(keys())).toEqual(vapidKeys(keys()));
    expect(vapidKeys(keys()).pk).toHaveLength(65);
    expect(vapidKeys(makeRelay(seeded('another')) as never).pk).not.toEqual(vapidKeys(keys()).pk);
  });
});
