/** The doorbell from one device's choice to another's post: the real core, the real relay, and a push service that notes who was rung. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../relay/log';
import { openLink } from '../support/circle';
import { type Device, World } from '../support/world';

const PLACE = 'https://push.example/w/pat';
const OTHER = 'https://push.example/w/pat-again';
let world: World;
let olivia: Device;
let pat: Device;
let group: string;
let own: string;
let rung: string[];

const bells = async (): Promise<string[]> => {
  const r = await ask(world.relay.log, 'bells', { g: 1 });
  return r.ok ? r.value.map((b) => b.place) : [];
};
/** Minutes go by at the relay. */
async function pass(minutes: number): Promise<void> {
  for (let i = 0; i < 6 * minutes; i++) {
    await world.time.pass(10_000);
    world.relay.ring();
  }
}

beforeEach(async () => {
  world = await World.make();
  rung = [];
  world.doorbell = { key: new Uint8Array(65).fill(4) as never, within: 60_000, placeOf: (p) => (p.startsWith('https://push.example/') ? p : null), push: async (p) => (rung.push(p), 'rung') };
  world.serve(world.relay.log);
  olivia = world.device('Olivia', 'clinician');
  pat = world.device('Pat', 'patient');
  await olivia.setUp();
  await pat.setUp();
  group = (await olivia.must('new-group', { name: 'Zirconberyl', kind: 'family' })).group;
  const { link } = await olivia.must('invite', { group, history: 'start', days: 3, relationship: '', open: true });
  const join = await openLink(pat, link);
  await world.time.pass(200);
  await pat.must('ask', { join });
  await world.time.pass(10_000);
  own = pat.view('join', join).group as string;
  pat.watch('app', null);
});
const view = () => {
  const app = pat.view('app', null);
  return app.phase === 'open' ? app.bell : null;
};

describe('a device that chose to be told', () => {
  it('is rung while it is locked, says where to a relay that forgot it, and rings no longer once it took that back without a network', async () => {
    expect([...(await pat.must('bell-key', { group: own })).key]).toEqual(Array(65).fill(4));
    await pat.must('set-bell', { group: own, place: PLACE });
    expect(view()).toEqual({ place: PLACE, groups: [own] });
    pat.kill();
    await olivia.must('post', { group, text: 'He sat up.', photos: [], replyTo: null });
    await pass(3);
    expect(rung).toEqual([PLACE]);
    await ask(world.relay.log, 'dropPlace', { place: PLACE });
    await pat.restart();
    await world.time.pass(5_000);
    expect(await bells()).toEqual([PLACE]);
    pat.goOffline();
    expect(await pat.run('set-bell', { group: own, place: null })).toMatchObject({ ok: true });
    expect(await bells()).toEqual([PLACE]);
    pat.goOnline();
    await world.time.pass(60_000);
    expect(await bells()).toEqual([]);
  });

  it('tells the relay when its browser is pushed to elsewhere, and is silent when its person took that from the browser', async () => {
    await pat.must('set-bell', { group: own, place: PLACE });
    await pat.must('move-bell', { place: OTHER });
    await world.time.pass(1000);
    expect([await bells(), view()]).toEqual([[OTHER], { place: OTHER, groups: [own] }]);
    await pat.must('move-bell', { place: null });
    await world.time.pass(1000);
    expect([await bells(), view()]).toEqual([[], { place: null, groups: [] }]);
  });

  it('hears of a place or a relay that will not do', async () => {
    expect(await pat.run('set-bell', { group: own, place: 'https://elsewhere.example/x' })).toEqual({ ok: false, fault: 'bad-push' });
    expect(await pat.run('set-bell', { group: own, place: `https://push.example/${'x'.repeat(1024)}` })).toEqual({ ok: false, fault: 'bad-push' });
    expect(view()).toEqual({ place: null, groups: [] });
  });

  it('is told of by no address any more once it signed itself out', async () => {
    await pat.must('set-bell', { group: own, place: PLACE });
    await pat.run('sign-out', { discard: { words: true, groups: true } });
    await world.time.pass(20_000);
    expect(pat.view('app', null).phase).toBe('signed-out');
    expect(await bells()).toEqual([]);
  });
});
