/**
 * What the hostile relay does beyond mischief with frames: it puts into one group what belongs to another, makes up rosters under a key of
 * its own, and lets through, under its real one, entries that do not count.
 */
import type { Bytes, GroupId, RelayPk } from '../../crypto/brand';
import { equal } from '../../crypto/bytes';
import type { FromRelay } from '../../crypto/frames';
import { signReceipt } from '../../crypto/receipt';
import { chainAfter, type EntryBody, signEntry } from '../../crypto/roster/entry';
import { fold } from '../../crypto/roster/fold';
import { chainHead, type RosterState } from '../../crypto/roster/state';
import { signPair } from '../../crypto/verify';
import { ask } from '../../relay/log';
import { seeded } from '../support/actor';
import type { Seat } from '../support/circle';
import type { Rhea } from '../support/rhea';
import type { Life } from './life';
import { groupOf, rosterAt } from './truth';

export const LIES = ['splice', 'bogus-roster', 'void-entries'] as const;
export type Lie = (typeof LIES)[number];

/** Plays these with about one frame in `rarity`, on what honest frames have become already. */
export function lie(l: Life, rhea: Rhea, lies: readonly Lie[], rarity: number): void {
  const { draw } = l;
  const random = seeded(`lies ${l.seed}`);
  const { pk, sk } = signPair(random(32));
  const alike = <K extends FromRelay['is']>(is: K, group: GroupId): Extract<FromRelay, { is: K }> | undefined =>
    rhea.heard.findLast((h): h is typeof h & { f: Extract<FromRelay, { is: K }> } => h.f.is === is && 'group' in h.f && !equal(h.f.group, group))?.f;

  const spliced = (f: FromRelay): FromRelay => {
    switch (f.is) {
      case 'page': {
        const other = alike('page', f.group);
        if (other === undefined) return f;
        // under the number and place of what it stands for
        return { ...f, items: f.items.map((i, at) => ({ ...i, envelope: other.items[at % Math.max(1, other.items.length)]?.envelope ?? i.envelope })) };
      }
      case 'entries': {
        const other = alike('entries', f.group);
        return other === undefined ? f : { ...f, items: draw(2) === 0 ? other.items : [...f.items, ...other.items] };
      }
      case 'lockboxes':
        return { ...f, items: alike('lockboxes', f.group)?.items ?? f.items };
      case 'keys':
        return { ...f, items: alike('keys', f.group)?.items ?? f.items };
      case 'acks':
        return { ...f, items: alike('acks', f.group)?.items ?? f.items };
      default:
        return f;
    }
  };
  const bogus = (f: FromRelay): FromRelay => {
    if (f.is !== 'entries') return f;
    const last = f.items.at(-1)?.receipt;
    const at = { incarnation: last?.incarnation ?? 1, seq: (last?.seq ?? draw(20)) + 1, chain: random(32) as never, time: l.world.time.now };
    const entry = random(40 + draw(300));
    // as somebody else, and as the relay without its signature
    const mine = { entry, receipt: signReceipt(f.group, { ...at, relayPk: pk as RelayPk }, sk) };
    return { ...f, items: [...f.items, draw(2) === 0 ? mine : { entry, receipt: { ...mine.receipt, relayPk: l.world.keys.pk } }] };
  };
  const { down } = rhea;
  rhea.down = (f, to) =>
    down(f, to).map((g) => {
      const h = lies.includes('splice') && draw(rarity) === 0 ? spliced(g) : g;
      return lies.includes('bogus-roster') && draw(rarity) === 0 ? bogus(h) : h;
    });
}

/** An entry that does not count takes its place in everybody's roster, with a receipt. Says which. */
export async function letThrough(l: Life, seat: Seat): Promise<string> {
  const { world, s: { log } } = l;
  const random = seeded(`void ${l.seed} ${l.texts++}`);
  const { id } = seat.run.row;
  const g = await groupOf(log.real, id);
  const before = await rosterAt(log.real, id);
  if (g === null || before === null) return 'nothing';
  const time = Math.max(before.time, world.time.now);
  const [what, entry] = voidEntry(l, seat, before, random);
  const { void: why } = fold(before, entry, time, world.keys.pk);
  if (why === null) return 'nothing';
  const seq = before.seq + 1;
  const receipt = signReceipt(id, { relayPk: world.keys.pk, incarnation: log.real.incarnation, seq, chain: chainAfter(chainHead(before), entry, time), time }, world.keys.sk);
  await ask(log.real, 'enter', { g, seq, entry: { entry, receipt }, boxes: [], ends: [], gone: [], spent: [], state: null });
  l.relayStore.crash(false);
  return `${what}, void as ${why}`;
}

function voidEntry(l: Life, seat: Seat, s: RosterState, random: (n: number) => Bytes): readonly [string, Bytes] {
  const { run } = seat;
  const at = { prev: chainHead(s), seq: s.seq + 1 };
  const by = (body: EntryBody, sk = run.keys.logSk): Bytes => signEntry({ ...at, author: run.keys.logPk, body }, sk);
  const other = [...s.members.values()].find((m) => m.end === null && m.tag !== run.row.tag)?.tag ?? run.row.tag;
  const rotation = { contentCommit: random(32) as never, rosterCommit: random(32) as never, boxes: [] };
  switch (l.draw(5)) {
    case 0: return ['noise', random(1 + l.draw(400))];
    case 1: return ['an entry that was there already', run.entries[l.draw(run.entries.length)]?.entry ?? random(9)];
    case 2: return ['a removal by one who may not', by({ kind: 'remove', member: other, cuts: [], rotation })];
    case 3: return ['a removal with another’s signature', by({ kind: 'remove', member: other, cuts: [], rotation }, signPair(random(32)).sk as never)];
    default: return ['keys for nobody', by({ kind: 'rotate', rotation })];
  }
}
