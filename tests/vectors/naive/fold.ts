/** The fold of §8 with the table of §9, word for word and without haste. Keys and hashes are hex. */
import { type Entry, entry } from './formats';
import { hash, label, number, verifies } from './primitives';
import { field, leaves, type Value } from './words';

interface Row { logPk: string; member: string; kem: string; device: number; recovery: boolean; from: number; end: { seq: number; n: number; hash: string } | null }
interface Member { tag: string; from: number; at: number; horizon: number; invitedBy: string | null; end: { how: 1 | 2; seq: number; at: number } | null }
interface Invite { key: string; by: string; seq: number; expires: number; today: boolean; state: 'pending' | 'used' | 'revoked' | 'void'; open: boolean }
interface Cut { log: string; n: number; hash: string }
interface Box { to: string; hash: string }
interface Rotation { content: string; roster: string; boxes: Box[] }
export interface State {
  group: string; chains: string[]; time: number; fence: number; owner: string; offer: { to: string; seq: number } | null;
  rows: Row[]; members: Member[]; invites: Invite[]; epochs: { seq: number; content: string; roster: string }[]; owed: { from: number; to: number | null }[];
  roles: Record<string, number>; sponsors: Record<string, string>; claim: { by: string; seq: number; at: number } | null; destroy: { seq: number; at: number } | null; relay: string | null; version: number; restated: Cut[];
}
const [HOST, SUCCESSOR, REPRESENTATIVE] = [1, 2, 4];
const DAY = 86_400_000;
const has = (s: State, member: string, role: number | undefined): boolean => ((s.roles[member] ?? 0) & (role as number)) !== 0;

const ZEROS = '00'.repeat(32);
const un = (h: string): Buffer => Buffer.from(h, 'hex');
const live = (s: State): Row[] => s.rows.filter((r) => r.end === null);
const liveOf = (s: State, member: string): Row[] => live(s).filter((r) => r.member === member);
const isOwed = (s: State): boolean => s.owed.some((o) => o.to === null);
const after = (chain: string, bytes: Buffer, time: number): string => hash('chain', un(chain), hash('entry-hash', bytes), number(time)).toString('hex');
const text = (e: Entry, name: string): string => leaves(field(e.body, name))[0] as string;

function rotationIn(e: Entry): Rotation | null {
  const found = Object.entries(e.body as Record<string, Value>).find(([k]) => /^\d+ (rotation|opt)$/.test(k))?.[1];
  if (e.kind === 'offer-owner' || found == null) return null;
  const v = 'rotation' in (found as object) || '0 rotation' in (found as object) ? field(found, 'rotation') : found;
  const boxes = field(v, 'list') as Value[];
  return { content: leaves(field(v, 'contentCommit'))[0] as string, roster: leaves(field(v, 'rosterCommit'))[0] as string, boxes: boxes.map((b) => ({ to: field(b, 'log key') as string, hash: field(b, 'lockboxHash') as string })) };
}
function cutsIn(e: Entry): Cut[] {
  const all = leaves(field(e.body, e.kind === 'device-revoke' || e.kind === 'restate-cut' ? 'cut' : 'cuts'));
  return Array.from({ length: all.length / 3 }, (_, i) => ({ log: all[3 * i] as string, n: all[3 * i + 1] as number, hash: all[3 * i + 2] as string }));
}
const zeroed = (c: Cut): boolean => c.n !== 0 || c.hash === ZEROS;
const readable = (bytes: Buffer): Entry | null => {
  try {
    return entry(bytes);
  } catch {
    return null;
  }
};

export function begin(group: string, bytes: Buffer, time: number): State | null {
  const e = bytes.length > 65536 ? null : readable(bytes);
  if (e === null || e.kind !== 'genesis' || e.seq !== 1 || hash('entry-hash', bytes).toString('hex') !== group || !verifies('entry', e.signed, e.signature, un(e.author))) return null;
  const rotation = rotationIn(e) as Rotation;
  if (rotation.boxes.length !== 1 || rotation.boxes[0]?.to !== e.author) return null;
  const member = text(e, 'member');
  return {
    group, chains: [after(ZEROS, bytes, time)], time, fence: 1, owner: member, offer: null,
    rows: [{ logPk: e.author, member, kem: text(e, 'kem'), device: 1, recovery: false, from: 1, end: null }],
    members: [{ tag: member, from: 1, at: time, horizon: 1, invitedBy: null, end: null }],
    invites: [], epochs: [{ seq: 1, content: rotation.content, roster: rotation.roster }], owed: [],
    roles: {}, sponsors: {}, claim: null, destroy: null, relay: null, version: 1, restated: []
  };
}

/** Why an entry is void: the first line of §9's table that applies; null when it counts. */
function judge(s: State, bytes: Buffer, now: number, relay: string): string | null {
  if (bytes.length > 65536) return 'too-large';
  const e = readable(bytes);
  if (e === null) return 'malformed';
  if (e.seq !== s.chains.length + 1 || e.prev !== s.chains.at(-1) || e.kind === 'genesis') return 'wrong-place';
  if (s.destroy !== null && now - s.destroy.at >= 30 * DAY) return 'destroyed';
  const isJoin = e.kind === 'join';
  const author = isJoin ? undefined : live(s).find((r) => r.logPk === e.author);
  if (isJoin ? leaves(field(e.body, 'row'))[1] !== e.author : author === undefined) return 'not-live';
  if (!verifies('entry', e.signed, e.signature, un(e.author))) return 'forged';
  const mine = author?.member ?? '';
  const owns = mine === s.owner;
  const speaks = owns || has(s, mine, REPRESENTATIVE);
  const hosts = speaks || has(s, mine, HOST);
  if (['name', 'offer-owner', 'role', 'relay', 'upgrade', 'destroy', 'restate-cut'].includes(e.kind) && !owns) return 'not-owner';
  if (['invite', 'open-invite', 'revoke-invite', 'admit'].includes(e.kind) && !hosts) return 'not-owner';
  if (e.kind === 'remove' && !speaks) return 'not-owner';
  if ((e.kind === 'name' || e.kind === 'invite' || e.kind === 'open-invite') && isOwed(s)) return 'owed';
  const known = (key: string): boolean => s.rows.some((r) => r.logPk === key) || s.invites.some((i) => i.key === key);
  const rotation = rotationIn(e);
  const listed = (after: readonly string[]): boolean => rotation !== null && JSON.stringify(rotation.boxes.map((b) => b.to)) === JSON.stringify([...after].sort());
  const keys = live(s).map((r) => r.logPk);
  if (e.kind === 'invite' || e.kind === 'open-invite') {
    if (known(text(e, 'invite key'))) return 'key-reused';
    if (s.invites.filter((i) => i.state === 'pending' && i.expires >= now).length >= 100) return 'too-many';
    return null;
  }
  if (e.kind === 'revoke-invite') {
    const i = s.invites.find((x) => x.key === text(e, 'invite key'));
    if (i === undefined) return 'unknown-invite';
    if (i.by !== mine && !speaks) return 'not-owner';
    return i.state !== 'pending' ? 'used' : null;
  }
  if (e.kind === 'admit' || isJoin) {
    const i = s.invites.find((x) => x.key === text(e, 'invite key'));
    if (i === undefined) return 'unknown-invite';
    if (isJoin && !i.open) return 'not-open';
    if (!isJoin && i.by !== mine && !speaks) return 'not-owner';
    if (i.state !== 'pending') return 'used';
    if (now > i.expires) return 'expired';
    const row = field(e.body, 'row');
    const [member, logPk, kem, claim, redeem] = leaves(row) as [string, string, string, string, string];
    if (known(logPk) || s.members.some((m) => m.tag === member)) return 'key-reused';
    const about = Buffer.concat([s.group, i.key, member, logPk, kem].map(un));
    if (!verifies('claim', about, un(claim), un(logPk)) || !verifies('redeem', about, un(redeem), un(i.key))) return 'bad-claim';
    if (live(s).filter((r) => !r.recovery).length >= 250) return 'too-many';
    return listed([...keys, logPk]) ? null : 'wrong-recipients';
  }
  if (e.kind === 'remove' || e.kind === 'leave') {
    const whom = e.kind === 'remove' ? text(e, 'member') : mine;
    if (whom === s.owner) return 'owner-cannot';
    if (e.kind === 'remove' && !owns && has(s, whom, REPRESENTATIVE)) return 'outranked';
    const ends = liveOf(s, whom);
    if (ends.length === 0) return 'unknown-member';
    const cuts = cutsIn(e);
    if (JSON.stringify(cuts.map((c) => c.log)) !== JSON.stringify(ends.map((r) => r.logPk).sort()) || !cuts.every(zeroed)) return 'wrong-cuts';
    return e.kind === 'leave' || listed(live(s).filter((r) => r.member !== whom).map((r) => r.logPk)) ? null : 'wrong-recipients';
  }
  if (author === undefined) return null;
  if (e.kind === 'device-add') {
    const logPk = text(e, 'logPk');
    if (known(logPk)) return 'key-reused';
    const recovery = field(e.body, 'recovery') as boolean;
    const about = Buffer.concat([...[s.group, author.member, e.author, logPk, text(e, 'kem')].map(un), Buffer.from([recovery ? 1 : 0])]);
    if (!verifies('device-claim', about, un(text(e, 'claim')), un(logPk))) return 'bad-claim';
    const mine = liveOf(s, author.member);
    if (recovery && mine.some((r) => r.recovery) && !author.recovery) return 'outranked';
    if (!recovery && (mine.filter((r) => !r.recovery).length >= 8 || live(s).filter((r) => !r.recovery).length >= 250)) return 'too-many';
    return listed([...keys.filter((k) => !(recovery && author.recovery && k === e.author)), logPk]) ? null : 'wrong-recipients';
  }
  if (e.kind === 'device-revoke') {
    const c = cutsIn(e)[0] as Cut;
    const row = live(s).find((r) => r.logPk === c.log);
    if (row === undefined || row.member !== author.member) return 'unknown-member';
    if (row.recovery && !author.recovery) return 'outranked';
    if (liveOf(s, author.member).length === 1) return 'last-row';
    if ((row === author) !== (rotation === null)) return 'wrong-recipients';
    if (!zeroed(c)) return 'wrong-cuts';
    return rotation === null || listed(keys.filter((k) => k !== c.log)) ? null : 'wrong-recipients';
  }
  if (e.kind === 'offer-owner') {
    const to = leaves(e.body)[0] as string | null;
    if (to === null) return s.offer === null ? 'no-offer' : null;
    if (to === s.owner) return 'owner-cannot';
    return liveOf(s, to).length === 0 ? 'unknown-member' : null;
  }
  if (e.kind === 'accept-owner') {
    const named = field(e.body, 'offer');
    if (s.offer === null || s.offer.to !== mine || s.offer.seq !== named) {
      if (s.claim === null || s.claim.by !== mine || s.claim.seq !== named) return 'no-offer';
      if (now - s.claim.at < 14 * DAY) return 'too-early';
    }
    return listed(keys) ? null : 'wrong-recipients';
  }
  if (e.kind === 'rotate') return listed(keys) ? null : 'wrong-recipients';
  if (e.kind === 'role') {
    const to = text(e, 'member');
    if (to === s.owner) return 'owner-cannot';
    if (liveOf(s, to).length === 0) return 'unknown-member';
    return (field(e.body, 'roles') as number) > 7 ? 'malformed' : null;
  }
  if (e.kind === 'relay') return text(e, 'relayPk') === relay ? null : 'wrong-relay';
  if (e.kind === 'upgrade') return (field(e.body, 'version') as number) > s.version ? null : 'wrong-version';
  if (e.kind === 'destroy') return field(e.body, 'on') === (s.destroy !== null) ? 'used' : null;
  if (e.kind === 'claim-owner') {
    if (field(e.body, 'on') === false) return s.claim === null || (s.claim.by !== mine && !owns) ? 'no-claim' : null;
    return !has(s, mine, SUCCESSOR) ? 'not-owner' : s.claim !== null ? 'used' : null;
  }
  if (e.kind === 'restate-cut') {
    const c = cutsIn(e)[0] as Cut;
    const end = s.rows.find((r) => r.logPk === c.log)?.end ?? null;
    if (end === null) return 'unknown-member';
    if (c.n >= end.n || !zeroed(c)) return 'wrong-cuts';
    return s.restated.some((x) => x.log === c.log && x.n === c.n) ? 'used' : null;
  }
  return null;
}

/** The next state and why the entry was void, if it was. */
export function fold(before: State, bytes: Buffer, time: number, relay: string): { state: State; void: string | null } {
  const now = Math.max(before.time, time);
  const why = judge(before, bytes, now, relay);
  const s = structuredClone(before);
  const seq = s.chains.length + 1;
  s.chains.push(after(s.chains.at(-1) as string, bytes, time));
  s.time = now;
  if (why !== null) return { state: s, void: why };
  const e = entry(bytes);
  const author = s.rows.find((r) => r.logPk === e.author);
  const rotation = rotationIn(e);
  const mine = author?.member ?? '';
  const role = (member: string, roles: number): void => {
    if (roles === 0) delete s.roles[member];
    else s.roles[member] = roles;
  };
  const end = (log: string, n: number, h: string): void => void ((s.rows.find((r) => r.logPk === log) as Row).end = { seq, n, hash: h });
  const voidInvites = (of: string): void => s.invites.forEach((i) => { if (i.by === of && i.state === 'pending') i.state = 'void'; });
  const goes = (member: string, how: 1 | 2): void => {
    for (const c of cutsIn(e)) end(c.log, c.n, c.hash);
    (s.members.find((m) => m.tag === member) as Member).end = { how, seq, at: now };
    voidInvites(member);
    if (s.offer?.to === member) s.offer = null;
    role(member, 0);
  };
  const owes = (): void => {
    s.fence = seq;
    if (!isOwed(s)) s.owed.push({ from: seq, to: null });
  };
  switch (e.kind) {
    case 'invite':
    case 'open-invite':
      s.invites.push({ key: text(e, 'invite key'), by: mine, seq, expires: field(e.body, 'expires') as number, today: field(e.body, 'history') as boolean, state: 'pending', open: e.kind === 'open-invite' });
      break;
    case 'revoke-invite':
      (s.invites.find((i) => i.key === text(e, 'invite key')) as Invite).state = 'revoked';
      break;
    case 'admit':
    case 'join': {
      const invite = s.invites.find((i) => i.key === text(e, 'invite key')) as Invite;
      const [member, logPk, kem] = leaves(field(e.body, 'row')) as [string, string, string];
      s.rows.push({ logPk, member, kem, device: s.rows.length + 1, recovery: false, from: seq, end: null });
      const giver = e.kind === 'join' ? invite.by : mine;
      s.members.push({ tag: member, from: seq, at: now, horizon: invite.today ? seq : (s.members.find((m) => m.tag === giver) as Member).horizon, invitedBy: invite.by, end: null });
      if (invite.by !== s.owner) s.sponsors[member] = s.sponsors[invite.by] ?? invite.by;
      invite.state = 'used';
      break;
    }
    case 'remove':
      goes(text(e, 'member'), 1);
      break;
    case 'leave':
      goes(mine, 2);
      owes();
      break;
    case 'offer-owner': {
      const to = leaves(e.body)[0] as string | null;
      s.offer = to === null ? null : { to, seq };
      break;
    }
    case 'accept-owner':
      voidInvites(s.owner);
      s.owner = mine;
      s.offer = null;
      role(mine, 0);
      break;
    case 'role': {
      const [to, roles] = [text(e, 'member'), field(e.body, 'roles') as number];
      if ((roles & (SUCCESSOR as number)) !== 0) for (const [other, had] of Object.entries(s.roles)) role(other, had & ~(SUCCESSOR as number));
      role(to, roles);
      if ((roles & 5) === 0) voidInvites(to);
      break;
    }
    case 'relay':
      s.relay = text(e, 'relayPk');
      break;
    case 'upgrade':
      s.version = field(e.body, 'version') as number;
      break;
    case 'destroy':
      s.destroy = field(e.body, 'on') === true ? { seq, at: now } : null;
      break;
    case 'claim-owner':
      s.claim = field(e.body, 'on') === true ? { by: mine, seq, at: now } : null;
      break;
    case 'device-add':
      if (field(e.body, 'recovery') === true && author?.recovery === true) end(e.author, 0, ZEROS);
      s.rows.push({ logPk: text(e, 'logPk'), member: mine, kem: text(e, 'kem'), device: s.rows.length + 1, recovery: field(e.body, 'recovery') as boolean, from: seq, end: null });
      break;
    case 'device-revoke': {
      const c = cutsIn(e)[0] as Cut;
      end(c.log, c.n, c.hash);
      voidInvites(mine);
      if (s.owner === mine) s.offer = null;
      if (rotation === null) owes();
      break;
    }
    case 'restate-cut':
      s.restated.push(cutsIn(e)[0] as Cut);
  }
  if (s.claim !== null && s.claim.seq !== seq) {
    const answered = mine === before.owner && !['rotate', 'relay'].includes(e.kind);
    const lost = mine === s.claim.by && e.kind === 'device-revoke';
    if (answered || lost || s.owner !== before.owner || !has(s, s.claim.by, SUCCESSOR)) s.claim = null;
  }
  if (rotation !== null) {
    s.epochs.push({ seq, content: rotation.content, roster: rotation.roster });
    s.fence = seq;
    for (const o of s.owed) o.to ??= seq;
  }
  return { state: s, void: null };
}

/** The state's bytes (§8, “At rest”). */
export function stateBytes(s: State): Buffer {
  const by = <T>(key: (x: T) => string) => (a: T, b: T): number => (key(a) < key(b) ? -1 : 1);
  const list = <T>(all: readonly T[], one: (x: T) => readonly (Buffer | number | string)[]): Buffer[] => [number(all.length), ...all.flatMap((x) => one(x).map((p) => (typeof p === 'number' ? number(p) : typeof p === 'string' ? un(p) : p)))];
  const NO = Buffer.from([0]);
  const YES = Buffer.from([1]);
  return Buffer.concat([
    Buffer.from([3]), un(s.group), number(s.chains.length), ...list(s.chains, (c) => [c]), number(s.time), number(s.fence), un(s.owner),
    ...(s.offer === null ? [NO] : [YES, un(s.offer.to), number(s.offer.seq)]),
    ...list([...s.rows].sort(by((r) => r.logPk)), (r) => [r.logPk, r.member, r.kem, r.device, r.recovery ? YES : NO, r.from, ...(r.end === null ? [NO] : [YES, r.end.seq, r.end.n, r.end.hash])]),
    ...list([...s.members].sort(by((m) => m.tag)), (m) => [m.tag, m.from, m.at, m.horizon, ...(m.invitedBy === null ? [NO] : [YES, m.invitedBy]), ...(m.end === null ? [NO] : [Buffer.from([m.end.how]), m.end.seq, m.end.at])]),
    ...list([...s.invites].sort(by((i) => i.key)), (i) => [i.key, i.by, i.seq, i.expires, i.today ? YES : NO, Buffer.from([['pending', 'used', 'revoked', 'void'].indexOf(i.state)])]),
    ...list(s.epochs, (e) => [e.seq, e.content, e.roster]), ...list(s.owed, (o) => [o.from, o.to ?? 0]),
    ...list(Object.entries(s.roles).sort(by((r) => r[0])), ([tag, roles]) => [tag, Buffer.from([roles])]), ...list(Object.entries(s.sponsors).sort(by((r) => r[0])), (x) => x),
    ...list(s.invites.filter((i) => i.open).map((i) => i.key).sort(), (k) => [k]),
    ...(s.claim === null ? [NO] : [YES, un(s.claim.by), number(s.claim.seq), number(s.claim.at)]), ...(s.destroy === null ? [NO] : [YES, number(s.destroy.seq), number(s.destroy.at)]),
    ...(s.relay === null ? [NO] : [YES, un(s.relay)]), number(s.version),
    ...list([...s.restated].sort((a, b) => (a.log === b.log ? a.n - b.n : a.log < b.log ? -1 : 1)), (c) => [c.log, c.n, c.hash])
  ]);
}
export { label };
