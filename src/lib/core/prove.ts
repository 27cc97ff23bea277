/** Proving a key to the relay over the connection that stands (PROTOCOL §11.1). */
import { proveAccess } from '$crypto/access';
import type { Bytes, GroupId } from '$crypto/brand';
import type { FromRelay, SessionKind, ToRelay } from '$crypto/frames';
import type { Random } from '$crypto/sodium';
import type { Link } from '../sync/link';

type ProvenKey = Extract<ToRelay, { is: 'auth' }>['key'];
const NONCE = 32;

/** Asks for a session of one kind under a key; `group` is the id that stands in a group's place where the kind has none. Null without a connection or an answer. */
export async function proveKey(
  { link, host, random }: { readonly link: Link; readonly host: string; readonly random: Random }, as: SessionKind, group: GroupId, keys: { readonly pk: ProvenKey; readonly sk: Bytes }
): Promise<FromRelay | null> {
  if (link.hello === null) return null;
  const nonce = random(NONCE);
  const signature = proveAccess({ as, host, group, serverNonce: link.hello.nonce, nonce }, keys.sk);
  return link.ask({ is: 'auth', group, as, key: keys.pk, nonce, signature });
}
