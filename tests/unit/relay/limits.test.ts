import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../../../crypto/brand';
import { base64url, hex } from '../../../crypto/bytes';
import { decodeFromRelay, encodeToRelay, type FromRelay } from '../../../crypto/frames';
import { blobId } from '../../../crypto/kept';
import { ready } from '../../../crypto/sodium';
import { createApp } from '../../../relay/app';
import { memoryBlobs } from '../../../relay/blobs';
import { RATE } from '../../../relay/limits';
import { type Device, foundGroup, makeDevice, nameEntry, removeEntry, seeded } from '../../support/actor';
import { HOST, type Phone, rhea, type Rhea, Scene, settled } from './phone';

const HOUR = 3_600_000;
const kept = { ...RATE };
/** The same limits with smaller numbers, so that a test reaches them. */
const lower = (some: Partial<Record<keyof typeof RATE, number>>): unknown => Object.assign(RATE, some);

let r: Rhea;
let olivia: Device;
beforeAll(ready);
beforeEach(() => {
  r = rhea('limits', { pace: 1000 });
  olivia = makeDevice(seeded('olivia'));
});
afterEach(() => void lower(kept));

/** Puts a fresh group there, from an address; what the relay says. */
async function found(from: string | null, wire = dial(from)): Promise<FromRelay> {
  const made = foundGroup(r.random, olivia);
  wire.line.receive(encodeToRelay({ is: 'create', re: 1, group: made.group, genesis: made.entry, boxes: made.boxes }));
  await settled();
  return wire.heard.at(-1) as FromRelay;
}
function dial(from: string | null): { readonly heard: FromRelay[]; readonly line: ReturnType<Rhea['relay']['connect']> } {
  const heard: FromRelay[] = [];
  const line = r.relay.connect((f) => {
    const read = decodeFromRelay(f);
    if (read.ok) heard.push(read.value);
  }, HOST, undefined, from);
  return { heard, line };
}

describe('what a relay limits', () => {
  it('new groups of one address in an hour, however many connections bring them, and of no other address', async () => {
    lower({ createsFrom: 3 });
    for (let i = 0; i < 3; i++) expect(await found('192.0.2.7')).toMatchObject({ is: 'entered' });
    expect(await found('192.0.2.7')).toMatchObject({ is: 'refused', why: 'rate', detail: { fence: HOUR } });
    expect(await found('192.0.2.8')).toMatchObject({ is: 'entered' });
    r.now += HOUR;
    expect(await found('192.0.2.7')).toMatchObject({ is: 'entered' });
  });

  it('new groups of one connection, wherever it comes from', async () => {
    lower({ creates: 2 });
    const wire = dial(null);
    for (let i = 0; i < 2; i++) expect(await found(null, wire)).toMatchObject({ is: 'entered' });
    expect(await found(null, wire)).toMatchObject({ is: 'refused', why: 'rate' });
    expect(await found(null)).toMatchObject({ is: 'entered' });
  });

  it('the entries of a roster; a full one still takes what ends something', async () => {
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    lower({ roster: s.state.seq });
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'))).toMatchObject({ is: 'refused', why: 'full' });
    expect(await s.enter(s.phone, removeEntry(r.random, s.state, olivia, pat.device.member, s.heads()))).toMatchObject({ is: 'entered' });
    expect(await s.enter(s.phone, nameEntry(r.random, s.state, olivia, s.now, 'Another name'))).toMatchObject({ why: 'full' });
  });

  it('a member’s attachments: beyond its bytes it is told when to try again, and the others are not', async () => {
    lower({ blobsHourly: 36_000 });
    const s = await Scene.begin(r, olivia);
    const pat = await s.join();
    const app = createApp(r.relay, memoryBlobs(), '/nowhere');
    const put = async (by: Phone, size: number): Promise<Response> => {
      const body = r.random(size);
      const bearer = by.of('welcome')[0]?.bearer as Bytes;
      return app.request(`/api/blob/${hex(s.group)}/${hex(blobId(body))}`, { method: 'PUT', body, headers: { Authorization: `Bearer ${base64url(bearer)}` } });
    };
    expect((await put(s.phone, 40_000)).status).toBe(201);
    const refused = await put(s.phone, 10);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '400']);
    expect((await put(pat.phone, 10)).status).toBe(201);
    r.now += 400_000;
    expect((await put(s.phone, 10)).status).toBe(201);
  });
});
