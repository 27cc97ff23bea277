/** A picture that the relay had, and has no more. */
import { expect, it } from 'vitest';
import { ask } from '../../relay/log';
import { cast } from '../support/circle';
import { Rhea } from '../support/rhea';

it('a picture that was carried there, and forgotten before its words came, goes again', async () => {
  const { world, olivia, pat } = await cast(2);
  const rhea = new Rhea(world);
  pat.device.cut();
  await world.time.pass(2_000);
  rhea.up = (f) => (f.is === 'append' ? [] : [f]);
  const bytes = new Uint8Array(500).fill(7);
  const added = await pat.device.must('add-photo', { group: pat.group, photo: { full: bytes, thumb: bytes.slice(0, 50), width: 4, height: 3, type: 'image/jpeg' } });
  await pat.post('with a picture', [added.photo]);
  await world.time.pass(8_000);
  expect([pat.run.sealed?.n, world.stored.size]).toEqual([pat.run.ownHead.n + 1, 2]);
  // two days without a network, and the relay tidies up
  pat.device.goOffline();
  const swept = await ask(world.relay.log, 'sweep', { blobsBefore: world.time.now + 1, answersBefore: 0, meetingsBefore: 0 });
  expect(swept.ok && swept.value.length).toBe(2);
  world.stored.clear();
  rhea.repent();
  await pat.device.restart();
  await pat.open();
  pat.device.goOnline();
  await world.time.pass(20_000);
  expect(olivia.words).toEqual(['with a picture']);
  expect(world.stored.size).toBe(2);
  expect(pat.run.outbox).toEqual([]);
});
