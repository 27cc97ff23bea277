/** Commands of the device: its vault, passphrase, passkeys, recovery phrase and profile. */
import { newPhrase, phraseKeys } from '$crypto/phrase';
import { addPasskey, removePasskey, unlockWithPasskey } from '../vault/passkey';
import { changePassphrase, unlockVault } from '../vault/vault';
import { done, type Handlers, lockAfter, NAME_MOST, no, yes } from './commands-kit';
import type { Core } from './core';
import { brought, putCredentials } from './credentials';
import { newPerson } from './devices';
import { entropyOf, openVaultSession, phraseRow, putPhrase, readVault, recoveryKeys, wordsOf } from './personal';
import { endHolds, pump } from './send';
import { isStuck } from './waiting';

/** Milliseconds that words have to leave before the app is locked, and between two looks. */
const LEAVE_WITHIN = 600;
const LOOK = 20;

type Name =
  | 'set-up' | 'unlock' | 'unlock-passkey' | 'add-passkey' | 'remove-passkey' | 'propose-phrase' | 'keep-phrase' | 'check-phrase' | 'restore'
  | 'lock' | 'change-passphrase' | 'set-profile' | 'take-over' | 'wake' | 'persisted';

export function deviceCommands(core: Core): Pick<Handlers, Name> {
  const { random, host } = core.ports;
  return {
    async 'set-up'({ name, role, passphrase }) {
      if (core.phase !== 'new') return no('not-allowed');
      if (name.trim() === '' || name.length > NAME_MOST) return no('not-allowed');
      const draft = await core.draft(passphrase);
      return draft.ok ? done(await core.make(draft.value, { name: name.trim(), role, lockAfter: lockAfter(role) }, newPerson(random))) : draft;
    },
    async unlock({ passphrase }) {
      if (core.phase !== 'locked') return no('not-allowed');
      const key = await unlockVault(core.vault, passphrase);
      if (!key.ok) {
        await core.showVault();
        return no(key.fault === 'damaged' || key.fault === 'no-vault' ? 'storage-damaged' : key.fault);
      }
      await core.open(key.value);
      return yes(null);
    },
    async 'unlock-passkey'({ credential, prf }) {
      if (core.phase !== 'locked') return no('not-allowed');
      const key = await unlockWithPasskey(core.vault, credential, prf);
      prf.fill(0);
      if (!key.ok) return no(key.fault === 'unknown-passkey' ? key.fault : 'storage-damaged');
      await core.open(key.value);
      return yes(null);
    },
    async 'add-passkey'({ passphrase, passkey, prf }) {
      const r = await addPasskey(core.vault, passphrase, passkey, prf);
      prf.fill(0);
      await core.readPasskeys();
      if (r.ok) return yes(null);
      return no(r.fault === 'malformed' ? 'not-allowed' : r.fault === 'damaged' || r.fault === 'no-vault' ? 'storage-damaged' : r.fault);
    },
    async 'remove-passkey'({ credential }) {
      const r = await removePasskey(core.vault, credential);
      await core.readPasskeys();
      return r.ok ? yes(null) : no('storage-damaged');
    },
    async 'propose-phrase'() {
      return yes({ words: wordsOf(newPhrase(random)) });
    },
    async 'keep-phrase'({ words }) {
      const entropy = entropyOf(words);
      if (entropy === null) return no('wrong-phrase');
      // only the phrase that is kept could give way to another
      if (core.personal.set) return no(core.personal.isPhrase(entropy) ? 'not-allowed' : 'wrong-phrase');
      await core.personal.keep(entropy);
      core.views.touch('app', null);
      void core.personal.tellProfile().catch((e: unknown) => core.failed(e));
      for (const run of core.groups.values()) core.inGroupTurn(run, () => core.personal.cover(run));
      return yes(null);
    },
    async 'check-phrase'({ words }) {
      const entropy = entropyOf(words);
      if (entropy === null || !core.personal.isPhrase(entropy)) return yes({ right: false, groups: 0 });
      const keys = phraseKeys(entropy);
      if ((await openVaultSession(core.link, host, random, keys)) === null) return no('needs-network');
      const items = await readVault(core.link, keys);
      if (items === null) return no('needs-network');
      // the words settle whose a recovery row is
      await core.personal.knows(items);
      core.views.touch('app', null);
      return yes({ right: true, groups: [...core.groups.values()].filter((g) => g.row.ended === null && core.personal.covers(g)).length });
    },
    async restore({ words, passphrase, endOthers }) {
      if (core.phase !== 'new') return no('not-allowed');
      const entropy = entropyOf(words);
      if (entropy === null) return no('wrong-phrase');
      core.link.start();
      for (let i = 0; core.link.state === 'connecting' && i < 100; i++) await new Promise<void>((r) => core.ports.later(100, r));
      const keys = phraseKeys(entropy);
      const found = await openVaultSession(core.link, host, random, keys);
      const items = found === null || found === 0 ? null : await readVault(core.link, keys);
      if (found === null || (found > 0 && items === null)) {
        core.link.stop();
        return no('needs-network');
      }
      const profile = items?.filter((i) => i.is === 'profile').at(-1);
      if (items === null || profile === undefined) {
        core.link.stop();
        return no('wrong-phrase');
      }
      const its = items.flatMap((i) => (i.is === 'group' ? [i] : []));
      const seed = items.flatMap((i) => (i.is === 'profile' && i.seed !== null ? [i.seed] : []))[0];
      const person = newPerson(random, '', seed);
      const lists = items.flatMap((i) => (i.is === 'credentials' ? (brought(i, person.seed, core.ports.clock()) ?? []) : []));
      const newest = lists.sort((a, b) => a.at - b.at).at(-1);
      const phrase = { ...phraseRow(entropy, recoveryKeys(its), seed !== undefined), ...(newest === undefined ? {} : { credentialsAt: newest.at }) };
      const draft = await core.draft(passphrase);
      const fault = !draft.ok ? draft.fault : await core.make(
        draft.value, { name: profile.name, role: profile.role, lockAfter: lockAfter(profile.role) }, person,
        [putPhrase(phrase), ...(newest === undefined ? [] : [putCredentials(newest)]), ...core.arrivals.restoreRows(its, endOthers ?? false)]
      );
      if (fault !== null) {
        core.link.stop();
        return no(fault);
      }
      return yes({ groups: await core.arrivals.bring() });
    },
    async lock() {
      await sendOff(core);
      core.link.stop();
      await Promise.all([...core.groups.values()].map((g) => g.turns.take(() => g.flush()).catch(() => undefined)));
      core.store?.close();
      return yes(null);
    },
    async 'change-passphrase'({ old, next }) {
      const r = await changePassphrase(core.vault, old, next);
      return r.ok ? yes(null) : no(r.fault === 'damaged' || r.fault === 'no-vault' ? 'storage-damaged' : r.fault);
    },
    async 'set-profile'(change) {
      const name = change.name?.trim() ?? core.profile.name;
      const minutes = change.lockAfter ?? core.profile.lockAfter;
      if (name === '' || name.length > NAME_MOST || !(minutes >= 1 && minutes <= 240)) return no('not-allowed');
      await core.saveProfile({ name, role: change.role ?? core.profile.role, lockAfter: minutes });
      void core.personal.profileChanged().catch((e: unknown) => core.failed(e));
      core.views.touch('app', null);
      return yes(null);
    },
    async 'take-over'() {
      await core.showVault();
      return yes(null);
    },

    async wake() {
      core.link.wake();
      return yes(null);
    },
    async persisted({ granted }) {
      core.persisted = granted;
      await core.saveProfile(core.profile);
      await core.measure();
      return yes(null);
    }
  };
}

/** Whoever locks is through with what they wrote: it leaves now rather than at the next unlock, as far as that takes no time. */
async function sendOff(core: Core): Promise<void> {
  const runs = [...core.groups.values()].filter((g) => g.row.ended === null && g.outbox.length > 0);
  await Promise.all(runs.map((g) => endHolds(g).catch(() => undefined)));
  for (const run of runs) core.inGroupTurn(run, () => pump(run));
  const leaves = (): boolean => core.link.state === 'online' && runs.some((g) => g.outbox.length > 0 && !isStuck(g));
  for (let waited = 0; leaves() && waited < LEAVE_WITHIN; waited += LOOK) await new Promise<void>((r) => core.ports.later(LOOK, r));
}
