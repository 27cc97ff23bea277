/**
 * Keeping up with relays that share the store. What this one knows of a group may be old: before it answers, and whenever a hint or the
 * clock says so, it takes from the store what others put there, entries first, and passes it on to its own sessions. A relay that has
 * its store for itself follows only what is its own and it never heard whether it was stored.
 */
import type { StoredEnvelope } from '../crypto/frames';
import { LIMIT } from '../crypto/limits';
import { encodePage, packStored, unpackStored } from '../crypto/packed';
import { fold } from '../crypto/roster/fold';
import { tellEnded } from './ended';
import type { Group } from './group';
import type { Hints } from './hints';
import type { House } from './house';
import type { News } from './log';
import { lookForTomb } from './purge';
import type { LogSession } from './session';
import { nothingTold, tell as tellMail, type Told } from './told';

export interface Follow {
  /** Runs `then` once the roster in memory is the store's; false when the store did not answer. */
  current(group: Group, then: (ok: boolean) => void): void;
  /** The same inside a change of the roster (`Group.alone`). */
  renew(group: Group, then: (ok: boolean) => void): void;
  /** A session opened; `feed`: the group's feed seq that it was told, null for an invite's. */
  arrive(group: Group, feed: number | null): void;
  /** A session ended. */
  depart(group: Group): void;
  /** Acknowledges an envelope to its author and gives it to everyone else, in the feed's order. */
  stored(by: LogSession, envelope: StoredEnvelope, isNew: boolean): void;
  /** Envelopes that were given back go to everyone, whoever gave them: each takes them by their new places. */
  given(group: Group, stored: readonly StoredEnvelope[]): void;
  /** The store never said whether it took some envelopes: if it did, nobody else has them yet (`Group.unheard`). */
  doubted(group: Group): void;
  /** Brings what the group waits for since a restore up to date; `then` hears whether the store answered. */
  healing(group: Group, then: (ok: boolean) => void): void;
  /** Others should look: the group's roster, mailbox or wants changed here. */
  changed(group: Group): void;
  /** Others should let these logs not grow for a while. */
  held(group: Group, devices: readonly number[], until: number): void;
  /** Asks the store what is new in every group that has a session here, when it is time to. */
  poll(): void;
}

/** Takes the entries that the store has beyond what is in memory, and passes them on. */
function renew(h: House, group: Group, then: (ok: boolean) => void): void {
  h.log.call('entries', { g: group.g, after: group.state.seq, upTo: Number.MAX_SAFE_INTEGER, most: LIMIT.page }, (r) => {
    if (!r.ok) return then(false);
    for (const e of r.value.items) {
      group.state = fold(group.state, e.entry, e.receipt.time, e.receipt.relayPk).state;
      group.signer = e.receipt.relayPk;
      if (e.receipt.incarnation !== h.incarnation) group.earlier = e.receipt.seq;
      h.fanout.entry(group, e, null);
    }
    if (r.value.items.length > 0) {
      tellEnded(h, group.logs, group.state);
      h.ringing?.heard(group);
    }
    if (r.value.more) renew(h, group, then);
    else then(true);
  });
}
const renewAlone = (h: House, group: Group, then: (ok: boolean) => void): void =>
  group.alone((done) =>
    renew(h, group, (ok) => {
      done();
      then(ok);
    })
  );

/** Of a relay that alone writes to its store. */
export function alone(house: () => House): Follow {
  /** Groups whose roster, or whose feed, may have gone on in the store. */
  const unsure = new Set<Group>();
  const doubted = new Set<Group>();
  /** Their authors may have found in the feed what they would send again: then nobody but this relay can tell the others. */
  const passOn = (group: Group, newer: readonly StoredEnvelope[] = []): void =>
    house().log.call('page', { g: group.g, way: 'down', from: newer.at(-1)?.seq ?? Number.MAX_SAFE_INTEGER, most: LIMIT.page }, (r) => {
      if (!r.ok) return;
      const newest = [...newer, ...unpackStored(r.value.items)];
      if (r.value.more && newest.length < LIMIT.page) return passOn(group, newest);
      doubted.delete(group);
      const there = newest.filter(({ device, n }) => {
        const unheard = group.unheard.get(device);
        return unheard !== undefined && n >= unheard.from && n <= unheard.to;
      });
      group.unheard.clear();
      house().fanout.given(group, there.reverse());
    });
  return {
    current(group, then) {
      if (!unsure.has(group)) return then(true);
      renewAlone(house(), group, (ok) => {
        if (ok) unsure.delete(group);
        then(ok);
      });
    },
    renew: (group, then) =>
      renew(house(), group, (ok) => {
        if (ok) unsure.delete(group);
        else unsure.add(group);
        then(ok);
      }),
    arrive: () => undefined,
    depart: () => undefined,
    stored: (by, envelope, isNew) => house().fanout.envelope(by, envelope, isNew),
    given: (group, stored) => house().fanout.given(group, stored),
    doubted: (group) => void doubted.add(group),
    healing: (_, then) => then(true),
    changed: () => undefined,
    held: () => undefined,
    poll() {
      for (const group of unsure) this.current(group, () => undefined);
      for (const group of doubted) passOn(group);
    }
  };
}

/** While hints come through the store is asked this seldom, otherwise at every `poll`. */
const ASK_EVERY = 30_000;
/** So long after they came through again: others may not have been heard yet. */
const UNSURE = 20_000;
const AT_ONCE = 2000;

/** What was passed on in a group that has sessions here. */
interface Standing {
  /** Feed seq up to which everything was passed on; null while only invites listen. */
  feed: number | null;
  mail: number;
  readonly told: Told;
  isBusy: boolean;
  isDue: boolean;
  /** Acks that wait until what lies before them was passed on. */
  acks: (() => void)[];
  readonly unwatch: () => void;
}

export function following(house: () => House, hints: Hints, turn: (what: () => void) => void): Follow {
  const standings = new Map<Group, Standing>();
  const telling = new Set<Group>();
  let asked = 0;
  let sureFrom = Infinity;

  const tell = (group: Group): void => {
    if (telling.size === 0) {
      turn(() => {
        for (const g of telling) hints.tell({ g: g.g, held: [], until: 0 });
        telling.clear();
      });
    }
    telling.add(group);
  };

  function current(group: Group, then: (ok: boolean) => void): void {
    house().log.call('news', [group.g], (r) => {
      if (!r.ok) return then(false);
      if (r.value.length === 0) lookForTomb(house(), group);
      if ((r.value[0]?.roster ?? 0) <= group.state.seq) return then(true);
      renewAlone(house(), group, then);
    });
  }

  /** Passes on what the feed has gained. The entries are read after the envelopes: whoever an entry shut out before one of these gets none. */
  function follow(group: Group, s: Standing, then: () => void): void {
    const h = house();
    const from = s.feed;
    if (from === null) return then();
    h.log.call('page', { g: group.g, way: 'up', from, most: LIMIT.page }, (r) => {
      if (!r.ok || r.value.items.count === 0) return then();
      renewAlone(h, group, (ok) => {
        if (!ok) return then();
        const items = unpackStored(r.value.items).filter((i) => i.seq > (s.feed ?? Infinity));
        const last = items.at(-1);
        if (last !== undefined) {
          h.fanout.toAll(group, encodePage({ re: 0, group: group.id, more: false, prevs: [], items: packStored(items) }));
          s.feed = last.seq;
          h.ringing?.heard(group);
        }
        if (r.value.more) follow(group, s, then);
        else then();
      });
    });
  }

  /** Looks at once, or again after the look under way. */
  function look(group: Group): void {
    const s = standings.get(group);
    if (s === undefined) return;
    s.isDue = true;
    if (s.isBusy) return;
    s.isBusy = true;
    s.isDue = false;
    const done = (): void => {
      for (const ack of s.acks.splice(0)) ack();
      s.isBusy = false;
      if (s.isDue) look(group);
    };
    house().log.call('news', [group.g], (r) => {
      const news = r.ok ? r.value[0] : undefined;
      if (news === undefined) {
        if (r.ok) lookForTomb(house(), group);
        return done();
      }
      // mail last: of an invite that came in elsewhere nothing could be told before
      const mail = (): void => {
        if (news.mail !== s.mail) {
          s.mail = news.mail;
          tellMail(house(), group, s.told, () => void (s.mail = -1));
        }
        done();
      };
      const roster = (): void => (news.roster > group.state.seq ? renewAlone(house(), group, mail) : mail());
      if (s.feed !== null && news.feed > s.feed) follow(group, s, roster);
      else roster();
    });
  }

  const isOld = (group: Group, s: Standing, n: News): boolean => n.mail !== s.mail || n.roster > group.state.seq || (s.feed !== null && n.feed > s.feed);

  return {
    current,
    renew: (group, then) => renew(house(), group, then),
    arrive(group, feed) {
      let s = standings.get(group);
      if (s === undefined) {
        const unwatch = hints.watch(group.g, (hint) => {
          for (const device of hint.held) group.held.set(device, hint.until);
          look(group);
        });
        s = { feed: null, mail: -1, told: nothingTold(), isBusy: false, isDue: false, acks: [], unwatch };
        standings.set(group, s);
      }
      s.feed ??= feed;
      look(group);
    },
    depart(group) {
      if (group.logs.size > 0 || group.invites.size > 0) return;
      standings.get(group)?.unwatch();
      standings.delete(group);
    },
    stored(by, envelope, isNew) {
      const h = house();
      const s = standings.get(by.group);
      if (isNew) tell(by.group);
      if (s === undefined || s.feed === null || envelope.seq <= s.feed) return h.fanout.envelope(by, envelope, isNew && s === undefined);
      if (isNew && envelope.seq === s.feed + 1) {
        s.feed = envelope.seq;
        return h.fanout.envelope(by, envelope, true);
      }
      // something before it came in elsewhere: everyone gets both, in order, and then its author the ack
      s.acks.push(() => h.fanout.envelope(by, envelope, false));
      look(by.group);
    },
    given(group, stored) {
      if (stored.length === 0) return;
      // from the store, behind what came in elsewhere
      tell(group);
      look(group);
    },
    // every look at the store finds it
    doubted: () => undefined,
    healing(group, then) {
      if (group.healing === null) return then(true);
      house().log.call('load', group.id, (r) => {
        const found = r.ok ? (r.value?.healing ?? null) : null;
        if (r.ok) group.healing = found === null ? null : { since: found.since, shown: new Set(found.shown) };
        then(r.ok);
      });
    },
    changed: tell,
    held: (group, devices, until) => hints.tell({ g: group.g, held: devices, until }),
    poll() {
      const h = house();
      const now = h.clock();
      if (!hints.isUp || sureFrom === Infinity) sureFrom = now + UNSURE;
      // whatever is asked, a new life of the store is heard of
      if (now >= sureFrom && now - asked < ASK_EVERY) return h.log.call('news', [], () => undefined);
      asked = now;
      const all = [...standings.keys()];
      for (let at = 0; at < all.length; at += AT_ONCE) {
        const some = new Map(all.slice(at, at + AT_ONCE).map((group) => [group.g, group]));
        h.log.call('news', [...some.keys()], (r) => {
          if (!r.ok) return;
          for (const [g, group] of some) if (!r.value.some((n) => n.g === g)) lookForTomb(h, group);
          for (const n of r.value) {
            const group = some.get(n.g);
            const s = group === undefined ? undefined : standings.get(group);
            if (group !== undefined && s !== undefined && isOld(group, s, n)) look(group);
          }
        });
      }
    }
  };
}
