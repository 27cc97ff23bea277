/** Commands about a person's several devices: naming this one, signing out, putting a lost one out, linking another. */
import { done, type Handlers, NAME_MOST, no, yes } from './commands-kit';
import type { Core } from './core';
import { putPerson } from './devices';
import { signOut } from './ending';
import { entropyOf } from './personal';
import { replacePhrase } from './replace';

type Name =
  | 'begin-link' | 'read-code' | 'approve-link' | 'refuse-link' | 'cancel-link' | 'name-device' | 'sign-out' | 'revoke-device' | 'replace-phrase' | 'start-over';

export function ownDeviceCommands(core: Core): Pick<Handlers, Name> {
  return {
    async 'replace-phrase'({ old, words }) {
      const [was, next] = [entropyOf(old), entropyOf(words)];
      if (was === null || next === null) return no('wrong-phrase');
      const fault = core.link.state === 'online' ? await replacePhrase(core, was, next) : 'needs-network';
      core.views.touch('app', null);
      return done(fault);
    },
    async 'begin-link'({ passphrase, name }) {
      if (core.phase !== 'new' || name.length > NAME_MOST) return no('not-allowed');
      const draft = await core.draft(passphrase);
      if (!draft.ok) return draft;
      await core.linking.begin(draft.value, name.trim());
      return yes(null);
    },
    async 'read-code'({ code }) {
      await core.linking.readCode(code);
      return yes(null);
    },
    'approve-link': async () => ((await core.linking.approve()) ? yes(null) : no('not-allowed')),
    'refuse-link': async () => ((await core.linking.refuse()) ? yes(null) : no('not-allowed')),
    async 'cancel-link'() {
      await core.linking.cancel();
      return yes(null);
    },
    async 'name-device'({ name }) {
      if (core.person === null || name.trim() === '' || name.length > NAME_MOST) return no('not-allowed');
      const person = { ...core.person, name: name.trim() };
      await core.needStore().commit([putPerson(person)]);
      core.person = person;
      core.views.touch('app', null);
      core.views.touch('devices', null);
      for (const run of core.groups.values()) core.inGroupTurn(run, () => core.settle(run));
      return yes(null);
    },
    'sign-out': async ({ discard }) => done(await signOut(core, discard)),
    async 'revoke-device'({ device }) {
      const rows = core.ownedRows().filter((r) => r.device === device && r.row.end === null && r.run.row.ended === null);
      if (rows.length === 0) return no('not-found');
      if (rows.some((r) => r.me)) return no('not-allowed');
      await core.revocations.lose(device, rows.map((r) => ({ ref: r.run.ref, logPk: r.row.logPk })));
      core.views.touch('devices', null);
      for (const run of new Set(rows.map((r) => r.run))) core.inGroupTurn(run, () => core.settle(run));
      return yes(null);
    },
    async 'start-over'({ forgotten }) {
      if (core.phase !== (forgotten ? 'locked' : 'signed-out')) return no('not-allowed');
      // what is sealed here belongs to whoever writes: nobody else goes on writing
      const fence = forgotten ? (await core.ports.disk.takeFence()).fence : null;
      if (!(await core.ports.disk.wipe(fence, null))) return no('not-allowed');
      await core.showVault();
      return yes(null);
    }
  };
}
