/**
 * Whom a bearer opens attachments for (PROTOCOL §11.1). A relay that has its store for itself remembers those of its sessions. Of several
 * on one store each knows any other's: it reads in it whose it is, and asks the store whether that row is live.
 */
import { bearerKey, makeBearer, readBearer } from '../crypto/bearer';
import type { Bytes, GroupId, Hex, MemberTag } from '../crypto/brand';
import { base64url, equal, hex } from '../crypto/bytes';
import { BEARER } from '../crypto/frames';
import { isLive, rowByDevice } from '../crypto/roster/state';
import type { Group } from './group';
import type { House } from './house';
import { RATE } from './limits';
import type { LogSession } from './session';

/** What somebody may do with a bearer: what its row may. */
export interface Opened {
  readonly group: Group;
  readonly device: number;
  readonly member: Hex<MemberTag>;
  /** Whether it still stands. */
  isLive(): Promise<boolean | 'unavailable'>;
}

export interface Bearers {
  /** A fresh one for a row. */
  make(group: Group, device: number): Bytes;
  /** The session stands that it was made for, and ends. */
  begin(s: LogSession): void;
  end(s: LogSession): void;
  open(bearer: Bytes, group: GroupId): Promise<Opened | 'unavailable' | null>;
  /** Sessions that stand. */
  readonly count: number;
}

/** For as long as the session lives. */
export function ownBearers(house: () => House): Bearers {
  const sessions = new Map<string, LogSession>();
  return {
    make: () => house().random(BEARER),
    begin: (s) => void sessions.set(s.bearer, s),
    end: (s) => void sessions.delete(s.bearer),
    async open(bearer, id) {
      const s = sessions.get(base64url(bearer));
      if (s === undefined || s.gone !== null || !equal(s.group.id, id)) return null;
      return { group: s.group, device: s.device, member: s.member, isLive: async () => s.gone === null };
    },
    get count() {
      return sessions.size;
    }
  };
}

/** For as long as the row and this life of the store live, and a day at most. */
export function commonBearers(house: () => House): Bearers {
  const sessions = new Set<LogSession>();
  let key: Bytes | null = null;
  const keyNow = (): Bytes => (key ??= bearerKey(house().keys.sk));
  const current = (group: Group): Promise<boolean> => new Promise((done) => house().follow.current(group, done));

  /** The device that it stands for in the life of now, if its time is not over. */
  const deviceOf = (bearer: Bytes, group: GroupId): number | null => {
    const h = house();
    const read = readBearer(keyNow(), bearer, { group, incarnation: h.incarnation });
    return read === null || read.until * 1000 <= h.clock() ? null : read.device;
  };
  return {
    make(group, device) {
      const h = house();
      return makeBearer(keyNow(), { group: group.id, incarnation: h.incarnation, device, until: Math.floor((h.clock() + RATE.bearer) / 1000) });
    },
    begin: (s) => void sessions.add(s),
    end: (s) => void sessions.delete(s),
    async open(bearer, id) {
      const device = deviceOf(bearer, id);
      if (device === null) return null;
      const group = await new Promise<Group | null | 'unavailable'>((done) => house().groups.with(id, done));
      if (group === null || group === 'unavailable') return group;
      const row = (): ReturnType<typeof rowByDevice> => rowByDevice(group.state, device);
      const stands = async (): Promise<boolean | 'unavailable'> => {
        if (!(await current(group))) return 'unavailable';
        const now = row();
        // the store may have begun another life while it was asked
        return now !== null && isLive(now) && deviceOf(bearer, id) === device;
      };
      const is = await stands();
      const there = row();
      if (is !== true || there === null) return is === 'unavailable' ? is : null;
      return { group, device, member: hex(there.member), isLive: stands };
    },
    get count() {
      return sessions.size;
    }
  };
}
