/**
 * What organisations vouch for of this person (PROTOCOL §15.8): kept here, said sealed in every group, and heard there by the person's
 * other devices, and after the phrase brought the groups back. The newest list counts as a whole, so that one can be taken out again.
 */
import type { Bytes } from '$crypto/brand';
import { base64url, equal, hex, unbase64url } from '$crypto/bytes';
import { type Credential, CREDENTIAL_MOST, readCredential } from '$crypto/credential';
import { personKeys } from '$crypto/person';
import { liveMembers } from '$crypto/roster/state';
import { CREDENTIALS_MOST } from '../care/record';
import type { Seen } from '../store/sealed';
import type { Change } from '../store/store';
import type { Core } from './core';
import type { GroupRun } from './group-run';
import { put, readSeen } from './group-rows';
import type { SaidCredentials } from './link-words';
import { keyNamed } from './people';
import type { CredentialView, OrganisationId, VouchedView } from './port';
import { maySay, say } from './send';

/** Table `meta`. `at`: when the list was put together, by which devices of one person tell the newer one. */
export interface OwnRow { readonly at: number; readonly list: readonly string[] }
const ROW = 'credentials';
const NONE: OwnRow = { at: 0, list: [] };
/** How far another device's clock may be ahead and still be believed. */
const AHEAD = 86_400_000;

/**
 * What comes of a list that reached a bare device with its person, from the device that links it or with the phrase: what is signed for that
 * person's key, of a time that can be. Nothing else is taken on anybody's word.
 */
export function brought(said: SaidCredentials | undefined, seed: Bytes, now: number): OwnRow | null {
  if (said === undefined || said.at > now + AHEAD) return null;
  const { pk } = personKeys(seed);
  const its = said.c.filter((b) => {
    const read = readCredential(b);
    return read.ok && equal(read.value.person, pk);
  });
  return { at: said.at, list: its.map(base64url) };
}
export const putCredentials = (row: OwnRow): Change => put('meta', ROW, row);

export class Credentials {
  private own: OwnRow = NONE;

  constructor(private readonly core: Core) {}

  load(meta: Seen): void {
    this.own = readSeen<OwnRow>(meta, ROW) ?? NONE;
  }
  forget(): void {
    this.own = NONE;
  }
  /** The list as it goes to another device, or with the phrase; null when there never was one. */
  get said(): SaidCredentials | null {
    const c = this.own.list.flatMap((text) => unbase64url(text) ?? []).filter((b) => b.length <= CREDENTIAL_MOST);
    return this.own.at === 0 ? null : { at: this.own.at, c };
  }
  get mine(): CredentialView[] {
    return this.ofPerson(this.own.list, this.key).map(({ c }) => this.core.organisations.shown(c));
  }
  /** What a member is vouched for, for its newest person key alone; those of trusted organisations first. */
  of(run: GroupRun, member: string): VouchedView[] {
    const isMe = member === run.me;
    const said = isMe ? this.own.list : (run.feed.index.credentials?.[member]?.c ?? []);
    if (said.length === 0) return [];
    const views = this.ofPerson(said, isMe ? this.key : keyNamed(run, member)).map(({ c }) => this.core.organisations.shown(c));
    return views.sort((a, b) => Number(b.trust === 'trusted') - Number(a.trust === 'trusted') || b.until - a.until);
  }

  /** Takes the place of an older one of the same organisation. False when there are as many as anybody says. */
  async add(c: Bytes, of: Credential): Promise<boolean> {
    const rest = this.without(hex(of.organisation));
    if (rest.length >= CREDENTIALS_MOST) return false;
    await this.change([...rest, base64url(c)]);
    return true;
  }
  async drop(organisation: OrganisationId): Promise<void> {
    await this.change(this.without(organisation));
  }

  /** Whether another device of this person said a newer list here. */
  isDue(run: GroupRun): boolean {
    const said = run.feed.index.credentials?.[run.me];
    return said !== undefined && said.at > this.own.at && said.at <= run.around.clock() + AHEAD;
  }
  /** Hears what another device said here, and says the list where it does not stand, or where a newcomer cannot read it. Inside the group's turn. */
  async settle(run: GroupRun): Promise<void> {
    const said = run.feed.index.credentials?.[run.me];
    if (said !== undefined && this.isDue(run)) {
      await this.keep({ at: said.at, list: said.c });
      this.sayElsewhere(run);
    }
    if (!maySay(run) || run.outbox.some((o) => o.record.t === 'credentials')) return;
    const { at, list } = this.own;
    if (list.join() === (said?.c ?? []).join() && (list.length === 0 || liveMembers(run.state).every((m) => m.horizon <= (said?.epoch ?? 0)))) return;
    await say(run, ({ i }) => ({ i, t: 'credentials', a: at, c: [...list] }));
  }

  private get key(): Bytes | null {
    return this.core.person === null ? null : personKeys(this.core.person.seed).pk;
  }
  /** Those that an organisation signed for this person key; one of each organisation, the last. */
  private ofPerson(list: readonly string[], key: Bytes | null): { readonly text: string; readonly c: Credential }[] {
    const by = new Map<string, { readonly text: string; readonly c: Credential }>();
    for (const text of list) {
      const c = this.core.organisations.check(text);
      if (c !== null && key !== null && equal(c.person, key)) by.set(hex(c.organisation), { text, c });
    }
    return [...by.values()];
  }
  private without(organisation: OrganisationId): string[] {
    return this.ofPerson(this.own.list, this.key).filter(({ c }) => hex(c.organisation) !== organisation).map(({ text }) => text);
  }
  private async change(list: readonly string[]): Promise<void> {
    await this.keep({ at: Math.max(this.core.ports.clock(), this.own.at + 1), list });
    void this.core.personal.tellCredentials().catch((e: unknown) => this.core.failed(e));
    this.sayElsewhere(null);
  }
  private sayElsewhere(here: GroupRun | null): void {
    this.core.vouchingChanged();
    for (const run of this.core.groups.values()) if (run !== here) this.core.inGroupTurn(run, () => this.core.settle(run));
  }
  private async keep(row: OwnRow): Promise<void> {
    await this.core.needStore().commit([putCredentials(row)]);
    this.own = row;
  }
}
