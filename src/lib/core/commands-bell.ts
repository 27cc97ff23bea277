/** Commands of the doorbell: which groups ring on this device, and where. */
import { type Handlers, inGroup, no, online, done, yes } from './commands-kit';
import type { Core } from './core';

type Name = 'bell-key' | 'set-bell' | 'move-bell';

export const bellCommands = (core: Core): Pick<Handlers, Name> => ({
  'bell-key': ({ group }) =>
    online(core)(group, async (run) => {
      const f = await core.link.ask({ is: 'get-bell', group: run.row.id });
      if (f === null) return no('needs-network');
      if (f.is === 'bell') return yes({ key: f.key.slice() });
      return no(f.is === 'refused' && f.why === 'no-bell' ? 'no-doorbell' : 'unavailable');
    }),
  'set-bell': ({ group, place }) =>
    place === null ? inGroup(core)(group, async (run) => done(await core.bell.silence(run))) : online(core)(group, async (run) => done(await core.bell.choose(run, place))),
  async 'move-bell'({ place }) {
    await core.bell.move(place);
    for (const run of core.groups.values()) core.inGroupTurn(run, () => core.bell.settle(run));
    return yes(null);
  }
});
