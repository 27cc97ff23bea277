import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ready } from '../../crypto/sodium';
import type { Pushed } from '../../relay/ringing';
import { leave, type Device, makeDevice, removeEntry, rotate, seeded } from '../support/actor';
import { type Phone, rhea, Scene, settled } from '../unit/relay/phone';

beforeAll(ready);

interface Someone { readonly name: string; readonly device: Device; phone: Phone | null; chose: boolean; isIn: boolean }

const GUESTS = 3;
const guest = fc.nat(GUESTS - 1);
const act = fc.oneof(
  { weight: 3, arbitrary: fc.record({ is: fc.constant('post' as const) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('wait' as const), seconds: fc.constantFrom(1, 20, 140, 700) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constantFrom('go' as const, 'come' as const), who: guest }) },
  fc.record({ is: fc.constantFrom('choose' as const, 'unchoose' as const, 'remove' as const, 'leave' as const), who: guest }),
  fc.record({ is: fc.constant('answer' as const), what: fc.constantFrom<Pushed>('rung', 'refused', { later: 0 }, { later: 60_000 }) }),
  fc.record({ is: fc.constant('hang' as const) })
);

describe('the doorbell', () => {
  it('P26 nobody is pushed to after their end was stored, in whatever order people write, come, go and are put out', async () => {
    let pushed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 15, maxLength: 50 }), fc.nat(1e6), async (acts, seed) => {
        const answers: (Pushed | null)[] = [];
        const people: Someone[] = [];
        const wrong: string[] = [];
        const under = new Map<string, AbortSignal>();
        const placeOf = (name: string): string => `https://push.example/${name}`;
        const doorbell = {
          key: new Uint8Array(65) as never, within: 120_000, placeOf: (said: string) => said,
          push(place: string, signal: AbortSignal): Promise<Pushed> {
            pushed++;
            const to = people.find((p) => placeOf(p.name) === place) as Someone;
            if (!to.isIn || !to.chose || to.phone !== null) wrong.push(`${to.name} in ${to.isIn}, chose ${to.chose}, here ${to.phone !== null}`);
            const next = answers.shift();
            if (next !== null) return Promise.resolve(next ?? 'rung');
            under.set(to.name, signal);
            return new Promise(() => undefined);
          }
        };
        const r = rhea(`doorbell ${seed}`, { doorbell });
        const olivia = makeDevice(seeded(`olivia ${seed}`));
        const s = await Scene.begin(r, olivia);
        for (let i = 0; i < GUESTS; i++) people.push({ name: `guest${i}`, ...(await s.join()), chose: false, isIn: true });
        const choose = async (p: Someone): Promise<void> => {
          p.chose = (await p.phone?.ask((re) => ({ is: 'put-bell', re, group: s.group, place: placeOf(p.name) })))?.is === 'done' || p.chose;
        };
        for (const p of people) {
          await choose(p);
          p.phone?.close();
          p.phone = null;
        }
        for (const a of acts) {
          const p = 'who' in a ? (people[a.who] as Someone) : null;
          if (a.is === 'post') await s.post(s.phone, olivia);
          else if (a.is === 'wait') {
            for (let left = a.seconds; left > 0; left -= 20) {
              r.now += 1000 * Math.min(left, 20);
              r.relay.ring();
              await settled();
            }
          } else if (a.is === 'answer') answers.push(a.what);
          else if (a.is === 'hang') answers.push(null);
          else if (p === null || !p.isIn) continue;
          else if (a.is === 'go') {
            p.phone?.close();
            p.phone = null;
          } else if (a.is === 'come') p.phone ??= await s.arrive(p.device);
          else if (a.is === 'choose') await choose(p);
          else if (a.is === 'unchoose' && p.phone !== null) {
            await p.phone.ask((re) => ({ is: 'drop-bell', re, group: s.group }));
            p.chose = false;
          } else if (a.is === 'remove' || (a.is === 'leave' && p.phone !== null)) {
            if (a.is === 'remove') await s.must(s.phone, removeEntry(r.random, s.state, olivia, p.device.member, s.heads()));
            else await s.must(p.phone as Phone, leave(s.state, p.device, s.heads()));
            p.isIn = false;
            if (under.get(p.name)?.aborted === false) wrong.push(`${p.name} was still being pushed to`);
            if (a.is === 'leave') await s.must(s.phone, rotate(r.random, s.state, olivia));
          }
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 15 }
    );
    expect(pushed).toBeGreaterThan(20);
  });
});
