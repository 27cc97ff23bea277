/** Commands about who is who: the safety number of two persons, and the mark of having compared it. */
import type { PersonPk } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { safetyNumber } from '$crypto/passphrase';
import { personKeys } from '$crypto/person';
import { type Handlers, no, yes } from './commands-kit';
import type { Core } from './core';
import { nameOf } from './group-view';
import { keyNamed } from './people';

type Name = 'compare-person' | 'verify-person' | 'unverify-person';

export function peopleCommands(core: Core): Pick<Handlers, Name> {
  /** Whom a member says to be; null for oneself and for who said nothing. */
  const other = (group: string, member: string): { readonly pk: PersonPk; readonly name: string } | null => {
    const run = core.groups.get(group);
    if (run === undefined || member === run.me) return null;
    const pk = keyNamed(run, member);
    return pk === null ? null : { pk, name: nameOf(run, member) };
  };
  const numberWith = async (pk: PersonPk): Promise<string | null> => (core.person === null ? null : safetyNumber(personKeys(core.person.seed).pk, pk));
  const changed = (): void => {
    for (const ref of core.groups.keys()) core.views.touch('group', ref);
  };
  return {
    async 'compare-person'({ group, member }) {
      const who = other(group, member);
      const number = who === null ? null : await numberWith(who.pk);
      return number === null ? no('not-found') : yes({ number });
    },
    async 'verify-person'({ group, member, number }) {
      const who = other(group, member);
      if (who === null) return no('not-found');
      if ((await numberWith(who.pk)) !== number) return no('not-allowed');
      // while the number was made, the member may have named another key: that one was not compared
      const now = other(group, member);
      if (now === null || hex(now.pk) !== hex(who.pk)) return no('changed-meanwhile');
      await core.verified.mark(who.pk, who.name, core.ports.clock());
      changed();
      return yes(null);
    },
    async 'unverify-person'({ group, member }) {
      const who = other(group, member);
      if (who === null) return no('not-found');
      await core.verified.unmark(who.pk);
      changed();
      return yes(null);
    }
  };
}
