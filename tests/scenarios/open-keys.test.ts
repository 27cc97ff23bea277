/** Keys of rows lie open on a device that somebody took. With everything the relay has ever seen, they must not say which group this is. */
import { expect, it } from 'vitest';
import { base64url, concat, hex, unbase64url, unhex } from '../../crypto/bytes';
import { admit, Seat } from '../support/circle';
import { World } from '../support/world';

it('no key on a disk holds anything that went to or came from the relay, or a time', async () => {
  const world = await World.make();
  const wire: Uint8Array[] = [];
  const honest = world.connect;
  world.connect = (device, send, end) => {
    const far = honest(device, (f) => {
      wire.push(f);
      send(f);
    }, end);
    return {
      receive: (f) => {
        wire.push(f);
        return far.receive(f);
      },
      close: () => far.close()
    };
  };
  const device = world.device('Olivia', 'clinician');
  await device.setUp();
  const { group } = await device.must('new-group', { name: 'Pat’s Updates', kind: 'family' });
  const olivia = new Seat(device, group);
  await olivia.open();
  const phone = world.device('Pat', 'patient');
  await phone.setUp();
  const pat = await admit(world, olivia, phone);
  await device.must('invite', { group, history: 'today', days: 3, relationship: 'Sister' });
  for (const s of [olivia, pat]) {
    const photo = await s.device.must('add-photo', { group: s.group, photo: { full: new Uint8Array(900).fill(3), thumb: new Uint8Array(60).fill(4), width: 4, height: 3, type: 'image/jpeg' } });
    await s.post('With a picture', [photo.photo]);
  }
  await world.time.pass(20_000);
  for (const s of [olivia, pat])
    for (const p of s.posts) await s.device.must('photo', { group: s.group, photo: p.photos[0]!.photo, size: 'full' });
  device.goOffline();
  const kept = await device.must('add-photo', { group, photo: { full: new Uint8Array(901).fill(3), thumb: new Uint8Array(61).fill(4), width: 4, height: 3, type: 'image/jpeg' } });
  await olivia.post('Not sent yet', [kept.photo]);
  await device.must('save-draft', { group, text: 'Half a sen', replyTo: null });
  await world.time.pass(20_000);

  const all = hex(concat(...wire, ...[...world.stored.keys()].map((id) => unhex(id) as Uint8Array)));
  const known = (token: string): boolean => {
    const b = /^[0-9a-f]{16,}$/.test(token) ? unhex(token) : (unbase64url(token) as Uint8Array | null);
    return b !== null && b.length >= 8 && all.includes(hex(b as never));
  };
  // what this would find, if it were there
  const state = olivia.run.state;
  for (const b of [state.group, olivia.run.row.tag, olivia.run.keys.logPk, ...[...state.invites.values()].map((i) => i.invite)]) {
    expect(known(hex(b))).toBe(true);
    expect(known(base64url(b))).toBe(true);
  }
  const rows = [...device.disk.dump(), ...pat.device.disk.dump()];
  expect(new Set(rows.map((r) => r.table))).toEqual(new Set(['meta', 'group', 'roster', 'outbox', 'inbox', 'draft', 'upload', 'page', 'lane', 'index', 'blob', 'vault']));
  for (const { table, key } of rows)
    for (const token of key.split('/')) {
      if (/^\d+$/.test(token)) expect(Number(token), `a count in ${table} ${key}`).toBeLessThan(1_000);
      else expect(known(token), `${table} ${key}`).toBe(false);
    }
  expect(world.reports).toEqual([]);
}, 60_000);
