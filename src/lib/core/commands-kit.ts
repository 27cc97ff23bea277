/** What the commands share: how they answer, and in whose turn they run. */
import type { Core } from './core';
import type { GroupRun } from './group-run';
import type { CommandName, Commands, Fault, Outcome, PersonRole } from './port';
import { pump } from './send';

export type Handlers = { readonly [K in CommandName]: (input: Commands[K]['in']) => Promise<Outcome<Commands[K]['out']>> };

/** Minutes before a device locks by itself, until its person says otherwise. */
export const lockAfter = (role: PersonRole): number => (role === 'clinician' ? 5 : 15);

/** Letters in a name that a person gives. */
export const NAME_MOST = 120;

export const yes = <T>(value: T): Outcome<T> => ({ ok: true, value });
export const no = (fault: Fault): { ok: false; fault: Fault } => ({ ok: false, fault });
export const done = (fault: Fault | null): Outcome<null> => (fault === null ? yes(null) : no(fault));

export type InGroup = <T>(ref: string, what: (run: GroupRun) => Promise<Outcome<T>>) => Promise<Outcome<T>>;

/** Runs in the group's turn, or says that there is no such group. */
export const inGroup = (core: Core): InGroup => (ref, what) => {
  const run = core.groups.get(ref);
  return run === undefined ? Promise.resolve(no('not-found')) : run.turns.take(() => what(run));
};

/** The same for what needs the relay: says so at once instead of waiting for it. */
export const online = (core: Core): InGroup => (ref, what) =>
  core.link.state === 'online' || core.groups.get(ref)?.row.ended != null ? inGroup(core)(ref, what) : Promise.resolve(no('needs-network'));

/** Runs beside the network: what happens here never waits for the relay. What it left in the outbox is sent when the turn is free. */
export const here = (core: Core): InGroup => (ref, what) => {
  const run = core.groups.get(ref);
  if (run === undefined) return Promise.resolve(no('not-found'));
  return run.local.take(() => what(run)).finally(() => core.inGroupTurn(run, () => pump(run)));
};
