/** Commands of one who joins with a link. */
import { equal } from '$crypto/bytes';
import { decodeLink } from '$crypto/invite-secret';
import { type Handlers, no, yes } from './commands-kit';
import type { Core } from './core';
import { drop, put } from './group-rows';
import { type JoinRun, newJoinRow } from './join';
import type { Fault } from './port';

export function joinCommands(core: Core): Pick<Handlers, 'open-link' | 'ask' | 'cancel-join'> {
  const { random } = core.ports;
  return {
    async 'open-link'({ fragment }) {
      const link = decodeLink(fragment);
      if (!link.ok) return no('bad-link');
      for (const j of core.joins.values()) if (!j.done && equal(j.link.secret, link.value.secret)) return yes({ join: j.id });
      const key = core.newRef();
      const row = newJoinRow(fragment.replace(/^#/, '').trim(), random);
      await core.needStore().commit([put('join', key, row)]);
      const join = core.addJoin(key, row);
      core.inTurn(join, () => join.begin());
      return yes({ join: key });
    },
    async ask({ join }) {
      const j = core.joins.get(join);
      if (j === undefined) return no('not-found');
      await j.turns.take(() => j.ask());
      return yes(null);
    },
    async 'cancel-join'({ join }) {
      const j = core.joins.get(join);
      if (j === undefined) return no('not-found');
      const fault = await cancelJoin(core, j);
      if (fault !== null) return no(fault);
      if (j.done) return yes({ group: j.view().group });
      // another one of the group, which waited for the connection
      if (j.wantsLine) core.link.again();
      return yes({ group: null });
    }
  };
}

/** Takes it back for certain, and forgets it; `done` where it was let in before it could be. */
export async function cancelJoin(core: Core, j: JoinRun): Promise<Fault | null> {
  const fault = await j.turns.take(() => j.cancel());
  // let in: its row is the group's by now
  if (fault !== null || j.done) return fault;
  await core.needStore().commit([drop('join', j.id)]);
  core.joins.delete(j.id);
  core.views.touch('home', null);
  return null;
}
