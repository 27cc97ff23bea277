/** `admin permit`: who may begin groups where the relay asks for a permit. A code is shown once, when it is made; the store keeps a hash of it. */
import { newPermit, permitCode, permitHash } from '../crypto/permit';
import type { Random } from '../crypto/sodium';
import type { Config } from './config';
import { endPermit, makePermit, permits } from './log-permits';
import { operate, type Store } from './operator';

const USAGE = 'Say: admin permit, admin permit new --groups 1 --days 30, or admin permit end NUMBER.';
const DAY = 86_400_000;
const MOST = { groups: 100_000, days: 3650 } as const;

/** `args`: what stands after `admin permit`. The lines to print; throws with words for the operator. */
export async function adminPermit(c: Store & Pick<Config, 'groups'>, args: readonly string[], now: number, random: Random): Promise<string> {
  const [what, ...rest] = args;
  if (what === undefined) return JSON.stringify({ permits: (await operate(c, permits)).map((p) => ({ permit: p.n, groups: p.groups, until: new Date(p.expires).toISOString(), over: p.groups === 0 || p.expires <= now })) });
  if (what === 'new') return make(c, wished(rest), now, random);
  const n = Number(rest[0]);
  if (what !== 'end' || rest.length !== 1 || !Number.isSafeInteger(n) || n < 1) throw new Error(USAGE);
  if (!(await operate(c, () => endPermit(n, now)))) throw new Error(`no permit ${n} goes on.`);
  return `Permit ${n} has ended: no group is begun with it any more. Groups that were begun go on.`;
}

async function make(c: Store & Pick<Config, 'groups'>, { groups, days }: Readonly<Record<keyof typeof MOST, number>>, now: number, random: Random): Promise<string> {
  const permit = newPermit(random);
  const expires = now + days * DAY;
  const n = await operate(c, () => makePermit(permitHash(permit), groups, expires, now));
  return [
    permitCode(permit),
    `Permit ${n}: ${groups === 1 ? 'one group' : `${groups} groups`}, until ${new Date(expires).toISOString()}. The code above is not shown again; whoever has it can begin ${groups === 1 ? 'that group' : 'those groups'} here.`,
    ...(c.groups === 'open' ? ['As CAREFOLD_GROUPS is set here, everybody may begin groups: nobody is asked for it.'] : [])
  ].join('\n');
}

/** What `--groups N --days D` says. */
function wished(args: readonly string[]): Readonly<Record<keyof typeof MOST, number>> {
  const found = { groups: 1, days: 30 };
  if (args.length % 2 > 0) throw new Error(USAGE);
  for (let i = 0; i < args.length; i += 2) {
    const name = (['groups', 'days'] as const).find((w) => `--${w}` === args[i]);
    const value = /^\d{1,6}$/.test(args[i + 1] ?? '') ? Number(args[i + 1]) : 0;
    if (name === undefined || value < 1 || value > MOST[name]) throw new Error(USAGE);
    found[name] = value;
  }
  return found;
}
