/**
 * Whom this device believes when they vouch for somebody (PROTOCOL §15.8): keys of organisations that its person compared, and what those
 * and others say of members. It decides nothing but what is shown.
 */
import type { OrganisationPk } from '$crypto/brand';
import { hex, unbase64url } from '$crypto/bytes';
import { type Credential, type Organisation, readCredential } from '$crypto/credential';
import type { Seen } from '../store/sealed';
import type { Change, Store } from '../store/store';
import { put, readSeen } from './group-rows';
import type { AcceptedOrganisation } from './link-words';
import { sameName } from './people';
import type { OrganisationId, OrganisationView, VouchedView } from './port';

/** Table `meta`. */
interface TrustedRow { readonly pk: OrganisationPk; readonly name: string; readonly at: number }
const ROW = 'organisations';
/** Credentials whose signature was checked already, so that a view costs none. */
const CHECKED_MOST = 1_000;

export const putOrganisations = (list: readonly AcceptedOrganisation[]): Change =>
  put('meta', ROW, list.map(({ organisation, name, at }): TrustedRow => ({ pk: organisation, name, at })));

export class Organisations {
  private rows: readonly TrustedRow[] = [];
  private readonly checked = new Map<string, Credential | null>();

  constructor(private readonly store: () => Store) {}

  load(meta: Seen): void {
    this.rows = readSeen<readonly TrustedRow[]>(meta, ROW) ?? [];
  }
  forget(): void {
    this.rows = [];
    this.checked.clear();
  }
  get views(): OrganisationView[] {
    return this.rows.map(({ pk, name, at }) => ({ organisation: hex(pk), name, at }));
  }
  /** As they go to another device of this person, the newest first. */
  get accepted(): AcceptedOrganisation[] {
    return this.rows.map(({ pk, name, at }) => ({ organisation: pk, name, at })).reverse();
  }
  trust(o: Organisation, at: number): Promise<void> {
    return this.keep([...this.without(hex(o.organisation)), { pk: o.organisation, name: o.name, at }]);
  }
  distrust(id: OrganisationId): Promise<void> {
    return this.keep(this.without(id));
  }

  /** A credential in base64url, when its organisation did sign it. */
  check(c: string): Credential | null {
    const known = this.checked.get(c);
    if (known !== undefined) return known;
    const bytes = unbase64url(c);
    const found = bytes === null ? null : readCredential(bytes);
    const now = found?.ok === true ? found.value : null;
    if (this.checked.size >= CHECKED_MOST) this.checked.clear();
    this.checked.set(c, now);
    return now;
  }
  /** How it is shown here: by the name under which the organisation was accepted, and no other. */
  shown(c: Credential): VouchedView {
    const id = hex(c.organisation);
    const mine = this.rows.find((r) => hex(r.pk) === id);
    const trust = mine !== undefined ? 'trusted' : this.rows.some((r) => sameName(r.name, c.organisationName)) ? 'imitates' : 'unchecked';
    return { organisation: id, by: mine?.name ?? c.organisationName, name: c.name, role: c.role, from: c.from, until: c.until, trust };
  }

  private without(id: OrganisationId): TrustedRow[] {
    return this.rows.filter((r) => hex(r.pk) !== id);
  }
  private async keep(rows: readonly TrustedRow[]): Promise<void> {
    await this.store().commit([put('meta', ROW, rows)]);
    this.rows = rows;
  }
}
