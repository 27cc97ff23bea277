/** New words of a post for those alone who can read the post (PROTOCOL §15.4): sealed under a key of its own epoch, bound to group, author and post. */
import type { Bytes, ContentKey, GroupId, MemberTag } from './brand';
import { concat, fromText, toText } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { pad, unpad } from './padding';
import { err, ok, type Result } from './result';
import { na, type Random } from './sodium';

const NONCE = 24;

/** `post`: its record id, 16 bytes. */
export interface EditPlace { readonly group: GroupId; readonly author: MemberTag; readonly post: Bytes }

const keyOf = (content: ContentKey): Bytes => hash(LABEL.editKey, content);
const about = (p: EditPlace): Bytes => concat(LABEL.editWords, p.group, p.author, p.post);

/** `content`: of the epoch in which the post was sealed. */
export function sealEdit(content: ContentKey, at: EditPlace, text: string, random: Random): Bytes {
  const nonce = random(NONCE);
  return concat(nonce, na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(fromText(text)), about(at), null, nonce, keyOf(content)));
}
export function openEdit(content: ContentKey, at: EditPlace, sealed: Bytes): Result<string, 'unreadable'> {
  try {
    const plain = unpad(na().crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed.slice(NONCE), about(at), sealed.slice(0, NONCE), keyOf(content)) as Bytes);
    const text = plain === null ? null : toText(plain);
    return text === null ? err('unreadable') : ok(text);
  } catch {
    return err('unreadable');
  }
}
