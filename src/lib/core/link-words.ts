/** What two devices say to each other once they share a key (PROTOCOL §18.3). The other side is a person's own device, and still checked. */
import * as v from 'valibot';
import type { Bytes, GroupId, KemPk, LogPk, MemberTag, OrganisationPk, RelayPk, VaultId } from '$crypto/brand';
import { fromText } from '$crypto/bytes';
import { CREDENTIAL_MOST, isLine, LINE_MOST } from '$crypto/credential';
import type { VaultWriter } from '$crypto/phrase';
import { CREDENTIALS_MOST } from '../care/record';
import { pack, unpack } from './pack';
import type { PersonRole } from './port';

export interface OfferedGroup {
  readonly id: GroupId;
  readonly relayPk: RelayPk;
  readonly tag: MemberTag;
  /** Log key of the device that will add the new one. */
  readonly adder: LogPk;
  /** Log key of the recovery row that is known to be the phrase's. */
  readonly recovery: Bytes | null;
}
export interface LinkedPerson {
  readonly name: string;
  readonly role: PersonRole;
  readonly seed: Bytes;
  /** The live device, and what it is called. */
  readonly device: Bytes;
  readonly deviceName: string;
  readonly phrase: VaultWriter | null;
}
/** What organisations signed for this person, and when the list was put together (PROTOCOL §15.8). */
export interface SaidCredentials { readonly at: number; readonly c: readonly Bytes[] }
/** An organisation whose number this person compared. */
export interface AcceptedOrganisation { readonly organisation: OrganisationPk; readonly name: string; readonly at: number }
export interface ClaimedRow { readonly id: GroupId; readonly logPk: LogPk; readonly kem: KemPk; readonly claim: Bytes }
export type LinkWords =
  | {
      readonly is: 'part'; readonly person: LinkedPerson | null; readonly groups: readonly OfferedGroup[]; readonly last: boolean;
      /** In parts of their own: those of the person and of 25 groups have no room for them. */
      readonly credentials?: SaidCredentials | undefined; readonly organisations?: readonly AcceptedOrganisation[] | undefined;
    }
  | { readonly is: 'claims'; readonly device: Bytes; readonly rows: readonly ClaimedRow[] }
  | { readonly is: 'end'; readonly full: readonly GroupId[] }
  | PhraseWords;
/** The phrase that opens this group's recovery row from now on, said and signed by that row. */
export interface PhraseWords { readonly is: 'phrase'; readonly phrase: VaultWriter; readonly row: LogPk; readonly s: Bytes }

/** What fits into one item, beside the person. */
export const GROUPS_IN_PART = 25;
export const CLAIMS_IN_ITEM = 5;
export const ORGANISATIONS_IN_PART = 12;
/** All that fits into one meeting: of organisations, the two parts that are left beside the groups. */
export const ORGANISATIONS_MOST = 24;
export const GROUPS_MOST = 160;

const bytes = <T extends Uint8Array>(n: number) => v.pipe(v.custom<T>((x) => x instanceof Uint8Array), v.check((x) => x.length === n));
const name = v.pipe(v.string(), v.maxLength(120));
const group = v.object({ id: bytes<GroupId>(32), relayPk: bytes<RelayPk>(32), tag: bytes<MemberTag>(16), adder: bytes<LogPk>(32), recovery: v.nullable(bytes<Bytes>(32)) });
const phrase = v.object({ id: bytes<VaultId>(32), sk: bytes<Bytes>(64), kem: bytes<KemPk>(1216) });
const person = v.object({
  name: v.pipe(name, v.check((s) => s.trim() !== '')), role: v.picklist(['clinician', 'patient', 'family']), seed: bytes<Bytes>(32), device: bytes<Bytes>(16), deviceName: name, phrase: v.nullable(phrase)
});
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const credential = v.pipe(v.custom<Bytes>((x) => x instanceof Uint8Array), v.check((b) => b.length <= CREDENTIAL_MOST));
const line = v.pipe(v.string(), v.check((s) => isLine(s) && fromText(s).length <= LINE_MOST));
// what beside the groups does not read is passed over: nobody loses a group by it
const credentials = v.fallback(v.optional(v.object({ at: time, c: v.pipe(v.array(credential), v.maxLength(CREDENTIALS_MOST)) })), undefined);
const organisations = v.fallback(v.optional(v.pipe(v.array(v.object({ organisation: bytes<OrganisationPk>(32), name: line, at: time })), v.maxLength(ORGANISATIONS_IN_PART))), undefined);
const words = v.variant('is', [
  v.object({ is: v.literal('part'), person: v.nullable(person), groups: v.pipe(v.array(group), v.maxLength(GROUPS_IN_PART)), last: v.boolean(), credentials, organisations }),
  v.object({
    is: v.literal('claims'), device: bytes<Bytes>(16),
    rows: v.pipe(v.array(v.object({ id: bytes<GroupId>(32), logPk: bytes<LogPk>(32), kem: bytes<KemPk>(1216), claim: bytes<Bytes>(64) })), v.maxLength(CLAIMS_IN_ITEM))
  }),
  v.object({ is: v.literal('end'), full: v.pipe(v.array(bytes<GroupId>(32)), v.maxLength(GROUPS_MOST)) }),
  v.object({ is: v.literal('phrase'), phrase, row: bytes<LogPk>(32), s: bytes<Bytes>(64) })
]);

export const encodeLinkWords = (w: LinkWords): Bytes => pack(w);
/** Null for whatever is none: never an exception. */
export function parseLinkWords(plain: Bytes): LinkWords | null {
  try {
    const parsed = v.safeParse(words, unpack(plain));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
