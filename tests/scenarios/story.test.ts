/** The main story on the real core and the real relay, in virtual time: make, invite, let in, post, go offline, hand over, remove. */
import { expect, it } from 'vitest';
import type { Views } from '../../src/lib/core/port';
import { openLink } from '../support/circle';
import { World } from '../support/world';

it('a group is made, shared, handed over, and a removed member reads nothing new', async () => {
  const world = await World.make();
  const olivia = world.device('Olivia', 'clinician');
  const pat = world.device('Pat', 'patient');
  await olivia.setUp();
  await pat.setUp();

  const { group } = await olivia.must('new-group', { name: 'Pat’s Family Treatment Updates', kind: 'family' });
  await olivia.openGroup(group);
  await olivia.must('post', { group, text: 'Before anyone joined', photos: [], replyTo: null });
  expect(olivia.delivery(group, 'Before anyone joined')).toBe('held');
  await world.time.pass(6_000);
  expect(olivia.delivery(group, 'Before anyone joined')).toBe('sent');

  const { link } = await olivia.must('invite', { group, history: 'start', days: 3, relationship: 'Patient' });
  const join = await openLink(pat, link);
  await world.time.pass(200);
  expect(pat.view('join', join)).toMatchObject({ state: 'card', card: { inviter: 'Olivia', kind: 'family' } });
  await pat.must('ask', { join });
  await world.time.pass(500);
  const asked = olivia.view('group', group).requests[0]!;
  expect(asked.name).toBe('Pat');
  expect(asked.number).toBe(pat.view('join', join).number);
  await olivia.must('let-in', { group, request: asked.request });
  await world.time.pass(1_000);
  const patGroup = pat.view('join', join).group!;
  expect(pat.view('join', join).state).toBe('in');
  await pat.openGroup(patGroup);
  expect(pat.words(patGroup)).toEqual(['Before anyone joined']);
  expect(pat.view('group', patGroup)).toMatchObject({ name: 'Pat’s Family Treatment Updates', iOwn: false });

  await pat.must('seen', { group: patGroup, posts: posts(pat.view('feed', patGroup)) });
  await world.time.pass(4_000);
  expect(olivia.delivery(group, 'Before anyone joined')).toBe('seen');

  pat.goOffline();
  await pat.must('post', { group: patGroup, text: 'Written without network', photos: [], replyTo: null });
  await world.time.pass(20_000);
  expect(pat.delivery(patGroup, 'Written without network')).toBe('saved');
  await pat.restart();
  await pat.openGroup(patGroup);
  expect(pat.words(patGroup)).toEqual(['Before anyone joined', 'Written without network']);
  pat.goOnline();
  await world.time.pass(3_000);
  expect(olivia.words(group)).toEqual(['Before anyone joined', 'Written without network']);
  expect(pat.delivery(patGroup, 'Written without network')).toBe('sent');

  await olivia.must('offer-owner', { group, member: pat.view('group', patGroup).me });
  await world.time.pass(200);
  await pat.must('accept-owner', { group: patGroup });
  await world.time.pass(500);
  expect(olivia.view('group', group).iOwn).toBe(false);
  expect(pat.view('group', patGroup).iOwn).toBe(true);
  expect(await olivia.run('rename-group', { group, name: 'Mine still' })).toMatchObject({ ok: false });

  await pat.must('remove', { group: patGroup, member: olivia.view('group', group).me });
  await world.time.pass(500);
  expect(olivia.view('group', group).ended).toBe('removed');
  await pat.must('post', { group: patGroup, text: 'Only for those inside', photos: [], replyTo: null });
  await world.time.pass(10_000);
  expect(pat.delivery(patGroup, 'Only for those inside')).toBe('sent');
  expect(olivia.words(group)).not.toContain('Only for those inside');
  expect(await olivia.run('post', { group, text: 'Still here?', photos: [], replyTo: null })).toMatchObject({ ok: false, fault: 'group-ended' });
  expect(world.reports).toEqual([]);
}, 60_000);

function posts(feed: Views['feed']['view']): string[] {
  return feed.reset ? feed.items.flatMap((i) => (i.is === 'post' ? [i.id] : [])) : [];
}
