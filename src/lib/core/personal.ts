/**
 * The personal vault (PROTOCOL §17): what the recovery phrase alone brings back. This device can add to it and can't read it. For each
 * group it makes a recovery row, seals the row's secrets to the phrase, and forgets them.
 */
import { proveAccess } from '$crypto/access';
import type { Bytes, GroupId, KemPk } from '$crypto/brand';
import { hex } from '$crypto/bytes';
import { openItem, type PhraseKeys, phraseKeys, phraseToPlaces, placesToPhrase, sealItem, type VaultWriter } from '$crypto/phrase';
import { rowsOf } from '$crypto/roster/state';
import type { Random } from '$crypto/sodium';
import type { Store } from '../store/store';
import type { Link } from '../sync/link';
import { WORDS } from '../vault/words';
import { changeRoster, planAddRow } from './change';
import type { GroupRun } from './group-run';
import { deviceKeys, put, read } from './group-rows';
import { pack } from './pack';
import type { Profile } from './port';
import { parseVaultItem, type VaultItem } from './vault-item';

/** Table `meta`: what this device adds items with. */
interface PhraseRow extends VaultWriter { readonly isProfileThere: boolean }
const ROW = 'phrase';
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
  const hello = link.hello;
  if (hello === null) return null;
  const group = keys.id as Bytes as GroupId;
  const nonce = random(32);
  const signature = proveAccess({ as: 'vault', host, group, serverNonce: hello.nonce, nonce }, keys.sk);
  const f = await link.ask({ is: 'auth', group, as: 'vault', key: keys.id, nonce, signature });
  return f?.is === 'welcome' ? f.head.n : null;
}

/** Everything in a personal vault that the phrase opens and that makes sense, oldest first; null when the relay did not answer. Needs a session. */
export async function readVault(link: Link, keys: PhraseKeys): Promise<VaultItem[] | null> {
  const out: VaultItem[] = [];
  for (let after = 0; ; ) {
    const f = await link.ask({ is: 'get-items', group: keys.id as Bytes as GroupId, after });
    if (f?.is !== 'items') return null;
    for (const item of f.items) {
      const opened = openItem(keys, item);
      const parsed = opened.ok ? parseVaultItem(opened.value) : null;
      if (parsed !== null) out.push(parsed);
    }
    after += f.items.length;
    if (!f.more || f.items.length === 0) return out;
  }
}

export class PersonalVault {
  private writer: PhraseRow | null = null;
  /** Items there; null without a session. */
  private n: number | null = null;
  private adding: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: { readonly link: Link; readonly host: string; readonly random: Random; readonly store: () => Store; readonly profile: () => Profile }) {}

  get set(): boolean {
    return this.writer !== null;
  }
  async load(): Promise<void> {
    this.writer = await read<PhraseRow>(this.parts.store(), 'meta', ROW);
  }
  isPhrase(entropy: Bytes): boolean {
    return this.writer !== null && hex(phraseKeys(entropy).id) === hex(this.writer.id);
  }
  async keep(entropy: Bytes): Promise<void> {
    const { id, sk, kem } = phraseKeys(entropy);
    await this.save({ id, sk, kem: kem.pk as KemPk, isProfileThere: false });
  }
  private async save(row: PhraseRow): Promise<void> {
    await this.parts.store().commit([put('meta', ROW, row)]);
    this.writer = row;
  }
  /** Who this is, for the day when only the words are left; kept trying until the vault has it. */
  async tellProfile(): Promise<boolean> {
    if (this.writer === null || this.writer.isProfileThere) return this.writer !== null;
    const { name, role } = this.parts.profile();
    if (!(await this.add({ is: 'profile', name, role }))) return false;
    const now = this.parts.profile();
    if (now.name === name && now.role === role) await this.save({ ...this.writer, isProfileThere: true });
    return true;
  }
  async profileChanged(): Promise<void> {
    if (this.writer === null) return;
    await this.save({ ...this.writer, isProfileThere: false });
    await this.tellProfile();
  }

  /** After the link came up. */
  down(): void {
    this.n = null;
  }
  /** Adds an item, one after the other; whether the relay has it. */
  add(item: VaultItem): Promise<boolean> {
    const mine = this.adding.then(() => this.put(item));
    this.adding = mine.catch(() => undefined);
    return mine;
  }
  private async put(item: VaultItem): Promise<boolean> {
    const { link, host, random } = this.parts;
    const w = this.writer;
    if (w === null) return false;
    this.n ??= await openVaultSession(link, host, random, w);
    const sealed = sealItem(w, pack(item), random);
    for (let i = 0; i < TRIES && this.n !== null; i++) {
      const f = await link.ask({ is: 'put-item', group: w.id as Bytes as GroupId, n: this.n + 1, item: sealed });
      if (f?.is === 'done') {
        this.n++;
        return true;
      }
      if (f?.is !== 'refused' || f.why !== 'behind') return false;
      this.n = f.detail.n;
    }
    return false;
  }

  covers(run: GroupRun): boolean {
    return rowsOf(run.state, run.me).some((r) => r.rank === 'recovery');
  }
  /** Gives the group a recovery row when it has none. Called inside the group's turn. The vault has the secrets before the roster has the row. */
  async cover(run: GroupRun): Promise<void> {
    if (!this.set || run.session !== 'live' || !run.synced || run.row.ended !== null || run.alarm !== null || run.row.relayPk === null) return;
    if (!(await this.tellProfile()) || this.covers(run)) return;
    const { random } = this.parts;
    const seeds = { logSeed: random(32), kemSeed: random(32) };
    if (!(await this.add({ is: 'group', id: run.row.id, relayPk: run.row.relayPk, tag: run.row.tag, ...seeds }))) return;
    await changeRoster(run, (r, at, heads) => (this.covers(r) ? 'changed-meanwhile' : planAddRow(deviceKeys(seeds), 'recovery')(r, at, heads)));
    seeds.logSeed.fill(0);
    seeds.kemSeed.fill(0);
  }
}

