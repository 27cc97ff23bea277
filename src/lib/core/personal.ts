/**
 * The personal vault (PROTOCOL §17): what the recovery phrase alone brings back. This device can add to it and can't read it. For each
 * group it makes a recovery row, seals the row's secrets to the phrase, and forgets them.
 */
import type { Bytes, GroupId, KemPk } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import { openItem, type PhraseKeys, phraseKeys, phraseToPlaces, placesToPhrase, sealItem, type VaultWriter, verifyPhraseRow } from '$crypto/phrase';
import { decodeEntry } from '$crypto/roster/entry';
import { type Row, rowOf, rowsOf } from '$crypto/roster/state';
import type { Random } from '$crypto/sodium';
import { signPair } from '$crypto/verify';
import type { Seen } from '../store/sealed';
import type { Change, Store } from '../store/store';
import type { Link } from '../sync/link';
import { WORDS } from '../vault/words';
import { changeRoster, planAddRow } from './change';
import type { GroupRun } from './group-run';
import { deviceKeys, drop, put, putBytes, readSeen } from './group-rows';
import type { PhraseWords, SaidCredentials } from './link-words';
import { pack } from './pack';
import type { Profile } from './port';
import { proveKey } from './prove';
import { parseVaultItem, type VaultItem } from './vault-item';

/** Table `meta`: what this device adds items with. */
export interface PhraseRow extends VaultWriter {
  readonly isProfileThere: boolean;
  /** Log keys, in hex, of recovery rows whose secrets the phrase opens, as far as this device saw it. */
  readonly known: readonly string[];
  /** The same of phrases that this one took the place of. */
  readonly before?: readonly string[];
  /** When the list of credentials was put together that the vault has (PROTOCOL §15.8). */
  readonly credentialsAt?: number;
  /** The life of the relay's store (PROTOCOL §11.6) in which it had all that this device knows of; null in older rows. */
  readonly life?: number | null;
}
const ROW = 'phrase';
/** Table `meta`: the id of another phrase's vault, while that one has begun to take the place of this and is not done. */
const NEXT = 'phrase-next';
/** Table `meta`: the vault's items as they were sealed, oldest first, for a relay that loses them. None is ever written over by another. */
const COPY = 'vaulted/';
const copyAt = (n: number): string => `${COPY}${String(n).padStart(4, '0')}`;
const TRIES = 4;

/** The phrase's entropy for words as a person types them; null when they are no phrase. */
export function entropyOf(words: readonly string[]): Bytes | null {
  const places = words.map((w) => WORDS.indexOf(w.normalize('NFKC').trim().toLowerCase()));
  const entropy = placesToPhrase(places);
  return entropy.ok ? entropy.value : null;
}
export const wordsOf = (entropy: Bytes): string[] => phraseToPlaces(entropy).map((p) => WORDS[p] as string);

/** Opens a session of a personal vault; how many items it holds, or null without a relay. */
export async function openVaultSession(link: Link, host: string, random: Random, keys: Pick<VaultWriter, 'id' | 'sk'>): Promise<number | null> {
  const f = await proveKey({ link, host, random }, 'vault', keys.id as Bytes as GroupId, { pk: keys.id, sk: keys.sk });
  return f?.is === 'welcome' ? f.head.n : null;
}

/** All items of a personal vault as they are sealed, oldest first; null when the relay did not answer, or with more than any vault holds. Needs a session. */
async function readItems(link: Link, id: VaultWriter['id']): Promise<Bytes[] | null> {
  const out: Bytes[] = [];
  for (;;) {
    const f = await link.ask({ is: 'get-items', group: id as Bytes as GroupId, after: out.length });
    if (f?.is !== 'items') return null;
    out.push(...f.items);
    if (out.length > LIMIT.items) return null;
    if (!f.more || f.items.length === 0) return out;
  }
}

/** Everything in a personal vault that the phrase opens and that makes sense, oldest first; null when the relay did not answer. Needs a session. */
export async function readVault(link: Link, keys: PhraseKeys): Promise<VaultItem[] | null> {
  const items = await readItems(link, keys.id);
  return (
    items?.flatMap((item) => {
      const opened = openItem(keys, item);
      const parsed = opened.ok ? parseVaultItem(opened.value) : null;
      return parsed === null ? [] : [parsed];
    }) ?? null
  );
}

const recoveryRow = (run: GroupRun): Row | undefined => rowsOf(run.state, run.me).find((r) => r.rank === 'recovery');

/** Log keys, in hex, of the recovery rows in a vault. */
export const recoveryKeys = (items: readonly VaultItem[]): string[] => items.flatMap((i) => (i.is === 'group' ? [hex(signPair(i.logSeed).pk)] : []));

/** What a device keeps of a phrase (PROTOCOL §17.2). */
export function phraseRow(entropy: Bytes, known: readonly string[], isProfileThere: boolean): PhraseRow {
  const { id, sk, kem } = phraseKeys(entropy);
  return { id, sk, kem: kem.pk as KemPk, isProfileThere, known };
}
export const putPhrase = (row: PhraseRow): Change => put('meta', ROW, row);

export class PersonalVault {
  private writer: PhraseRow | null = null;
  private next: Bytes | null = null;
  /** Items there; null without a session. */
  private n: number | null = null;
  /** Places of the copies, ascending. A new one comes behind them, whatever the relay says of how many it has. */
  private copies: readonly number[] = [];
  private adding: Promise<unknown> = Promise.resolve();
  private readonly covering = new Set<string>();

  constructor(private readonly parts: { readonly link: Link; readonly host: string; readonly random: Random; readonly store: () => Store; readonly profile: () => Profile; readonly seed: () => Bytes | null; readonly credentials: () => SaidCredentials | null }) {}

  get set(): boolean {
    return this.writer !== null;
  }
  load(meta: Seen): void {
    this.writer = readSeen<PhraseRow>(meta, ROW);
    this.next = readSeen<Bytes>(meta, NEXT);
    this.copies = meta.range(COPY).map((r) => Number(r.key.slice(COPY.length)));
  }
  isPhrase(entropy: Bytes): boolean {
    return this.writer !== null && hex(phraseKeys(entropy).id) === hex(this.writer.id);
  }
  /** Another phrase has taken the place of this one in some groups, and may not have in others. */
  get isHalf(): boolean {
    return this.next !== null;
  }
  /** Whether what was begun was begun with another phrase than this. */
  isHalfOther(entropy: Bytes): boolean {
    return this.next !== null && !equal(this.next, phraseKeys(entropy).id);
  }
  /** The phrase of this vault begins to take the place of the one that is kept; null when it has not after all. It outlasts the page, as what it opens does. */
  async beginNext(id: Bytes | null): Promise<void> {
    await this.parts.store().commit([id === null ? drop('meta', NEXT) : put('meta', NEXT, id)]);
    this.next = id;
  }
  async keep(entropy: Bytes): Promise<void> {
    await this.save(phraseRow(entropy, [], false));
  }
  /** Another phrase, whose vault has everything by now. What is being added or given back to the one before is done first. */
  become(row: PhraseRow): Promise<void> {
    return this.inTurn(async () => {
      const store = this.parts.store();
      await store.commit((await store.range('meta', COPY)).map((r) => drop('meta', r.key)));
      this.copies = [];
      await store.commit([put('meta', ROW, row), drop('meta', NEXT)]);
      [this.writer, this.next, this.n] = [row, null, null];
    });
  }
  /**
   * Another device of this person replaced the phrase (PROTOCOL §17.4). Believed of a recovery row that says so itself and descends from one
   * that is known here: only who has the old words can have made it. False where the roster does not show that row yet.
   */
  async hears(run: GroupRun, { phrase, row, s }: PhraseWords): Promise<boolean> {
    const w = this.writer;
    const mine = [...run.state.rows.values()].filter((r) => r.rank === 'recovery' && hex(r.member) === run.me);
    if (!mine.some((r) => equal(r.logPk, row))) return false;
    const ours = new Set([...(w?.known ?? []), ...(w?.before ?? [])]);
    const isHeir = mine.some((r) => ours.has(hex(r.logPk))) && equal(recoveryRow(run)?.logPk ?? new Uint8Array(0), row);
    if (w === null || !isHeir || !equal(phrase.sk.slice(32), phrase.id) || !verifyPhraseRow(run.row.id, phrase, row, s)) return true;
    if (equal(phrase.id, w.id)) await this.save({ ...w, known: [...new Set([...w.known, hex(row)])] });
    else await this.become({ ...phrase, known: [hex(row)], before: [...ours], isProfileThere: true });
    return true;
  }
  forget(): void {
    this.writer = this.next = null;
    this.n = null;
    this.copies = [];
  }
  /** What these items would bring back is this phrase's. */
  async knows(items: readonly VaultItem[]): Promise<void> {
    const fresh = recoveryKeys(items).filter((k) => this.writer?.known.includes(k) === false);
    if (this.writer !== null && fresh.length > 0) await this.save({ ...this.writer, known: [...this.writer.known, ...fresh] });
  }
  private async save(row: PhraseRow): Promise<void> {
    await this.parts.store().commit([put('meta', ROW, row)]);
    this.writer = row;
  }
  /** Who this is, for the day when only the words are left; kept trying until the vault has it. */
  async tellProfile(): Promise<boolean> {
    if (this.writer === null || this.writer.isProfileThere) return this.writer !== null;
    const { name, role } = this.parts.profile();
    if (!(await this.add({ is: 'profile', name, role, seed: this.parts.seed() }))) return false;
    const now = this.parts.profile();
    if (now.name === name && now.role === role) await this.save({ ...this.writer, isProfileThere: true });
    return true;
  }
  /** What organisations signed for this person, for the same day. */
  async tellCredentials(): Promise<void> {
    const said = this.parts.credentials();
    if (this.writer === null || said === null || said.at <= (this.writer.credentialsAt ?? 0)) return;
    if (await this.add({ is: 'credentials', ...said })) await this.save({ ...this.writer, credentialsAt: said.at });
  }
  async profileChanged(): Promise<void> {
    if (this.writer === null) return;
    await this.save({ ...this.writer, isProfileThere: false });
    await this.tellProfile();
  }

  down(): void {
    this.n = null;
  }
  /** After the link came up: a relay that lost items is given them. */
  async linkUp(): Promise<void> {
    await this.inTurn(() => this.mirror());
    await this.tellProfile();
    await this.tellCredentials();
  }
  /** Adds an item, one after the other; whether the relay has it. */
  add(item: VaultItem): Promise<boolean> {
    return this.inTurn(() => this.put(item));
  }
  private inTurn<T>(what: () => Promise<T>): Promise<T> {
    const mine = this.adding.then(what);
    this.adding = mine.catch(() => undefined);
    return mine;
  }
  private async put(item: VaultItem): Promise<boolean> {
    const w = this.writer;
    if (w === null) return false;
    this.n ??= await openVaultSession(this.parts.link, this.parts.host, this.parts.random, w);
    // what the relay lacks goes first; while it does not answer, nothing more piles up here
    if (this.n === null || !(await this.mirror()) || this.copies.length > LIMIT.items) return false;
    const sealed = sealItem(w, pack(item), this.parts.random);
    const place = (this.copies.at(-1) ?? 0) + 1;
    await this.parts.store().commit([putBytes('meta', copyAt(place), sealed)]);
    this.copies = [...this.copies, place];
    const sent = await this.send(w, sealed);
    if (sent === 'refused') {
      await this.parts.store().commit([drop('meta', copyAt(place))]);
      this.copies = this.copies.filter((p) => p !== place);
    }
    return sent === 'done';
  }
  /** `lost`: without an answer it may be there, or not. */
  private async send(w: PhraseRow, sealed: Bytes): Promise<'done' | 'refused' | 'lost'> {
    for (let i = 0; i < TRIES; i++) {
      if (this.n === null) return 'lost';
      const f = await this.parts.link.ask({ is: 'put-item', group: w.id as Bytes as GroupId, n: this.n + 1, item: sealed });
      if (f?.is === 'done') {
        this.n++;
        return 'done';
      }
      if (f?.is !== 'refused') return 'lost';
      if (f.why !== 'behind') break;
      this.n = f.detail.n;
    }
    return 'refused';
  }

  /**
   * In another life of the relay's store, or where it has less than is kept here: copies what is there, and gives back what was and is not.
   * False without an answer.
   */
  private async mirror(): Promise<boolean> {
    const { link, host, random, store } = this.parts;
    const w = this.writer;
    const life = link.hello?.incarnation;
    if (w === null || life === undefined) return false;
    if (life <= (w.life ?? -1) && (this.n === null || this.n >= this.copies.length)) return true;
    this.n ??= await openVaultSession(link, host, random, w);
    const there = this.n === null ? null : await readItems(link, w.id);
    if (there === null) return false;
    const isThere = new Set(there.map(hex));
    const kept = new Map((await store().range('meta', COPY)).map((r) => [hex(r.value), r.value]));
    const lost = [...kept].flatMap(([key, item]) => (isThere.has(key) ? [] : [item]));
    // so many no relay could take back: what is kept here stays as it is, however many others a relay brings in life after life
    if (there.length + lost.length > LIMIT.items) return true;
    const all = [...there, ...lost];
    await store().commit([...all.map((item, i) => putBytes('meta', copyAt(i + 1), item)), ...this.copies.filter((p) => p > all.length).map((p) => drop('meta', copyAt(p)))]);
    this.copies = all.map((_, i) => i + 1);
    for (const item of lost) {
      const sent = await this.send(w, item);
      if (sent !== 'done') return sent === 'refused';
    }
    if (this.writer !== null) await this.save({ ...this.writer, life });
    return true;
  }

  /** Whether the live recovery row is one that the phrase opens. */
  covers(run: GroupRun): boolean {
    const row = recoveryRow(run);
    return row !== undefined && this.writer?.known.includes(hex(row.logPk)) === true;
  }
  /** Its log key, where it is known to be the phrase's. */
  coveringKey(run: GroupRun): Bytes | null {
    return this.covers(run) ? (recoveryRow(run)?.logPk ?? null) : null;
  }
  /** What another device of this person may keep of the phrase (PROTOCOL §17.2). */
  get shared(): VaultWriter | null {
    return this.writer === null ? null : { id: this.writer.id, sk: this.writer.sk, kem: this.writer.kem };
  }
  /** Whether a recovery row stands there that this device can't vouch for. */
  isForeign(run: GroupRun): boolean {
    return recoveryRow(run) !== undefined && !this.covers(run);
  }
  /**
   * Whether the phrase's row has given way to one that is neither the phrase's nor among these: another phrase has begun to take its place.
   * What a device that was put out had begun does not count, so that no thief's row stands in the way.
   */
  hasGivenWay(run: GroupRun, among: readonly string[]): boolean {
    const live = recoveryRow(run);
    const known = this.writer?.known ?? [];
    if (live === undefined || run.row.ended !== null || [...known, ...among].includes(hex(live.logPk))) return false;
    const author = (row: Row): Row | null => {
      const d = decodeEntry(run.entries[row.from - 1]?.entry ?? new Uint8Array(0));
      return d.ok ? rowOf(run.state, d.value.author) : null;
    };
    let isOurs = false;
    let at: Row | null = live;
    for (; at?.rank === 'recovery'; at = author(at)) isOurs ||= known.includes(hex(at.logPk));
    return isOurs && at?.end === null;
  }
  /** Whether the group is being given a recovery row of the phrase that is kept now. */
  isCovering(run: GroupRun): boolean {
    return this.covering.has(run.ref);
  }
  /** Gives the group a recovery row when it has none. Called inside the group's turn. The vault has the secrets before the roster has the row. */
  async cover(run: GroupRun): Promise<void> {
    const w = this.writer;
    if (w === null || run.session !== 'live' || !run.synced || run.row.ended !== null || run.alarm !== null || run.row.relayPk === null) return;
    this.covering.add(run.ref);
    try {
      if (!(await this.tellProfile()) || recoveryRow(run) !== undefined) return;
      const { random } = this.parts;
      const seeds = { logSeed: random(32), kemSeed: random(32) };
      if (!(await this.add({ is: 'group', id: run.row.id, relayPk: run.row.relayPk, tag: run.row.tag, ...seeds }))) return;
      // another phrase may have taken the place of this one meanwhile
      if (this.writer === null || !equal(this.writer.id, w.id)) return;
      const keys = deviceKeys(seeds);
      await this.save({ ...this.writer, known: [...this.writer.known, hex(keys.logPk)] });
      await changeRoster(run, (r, at, heads) => (recoveryRow(r) !== undefined ? 'changed-meanwhile' : planAddRow(keys, 'recovery')(r, at, heads)));
      seeds.logSeed.fill(0);
      seeds.kemSeed.fill(0);
    } finally {
      this.covering.delete(run.ref);
    }
  }
}
