/** New words of a post for those alone who can read the post (PROTOCOL §15.4): sealed under a key of its own epoch, bound to group, author and post. */
import { box, unbox } from './box';
import type { Bytes, ContentKey, GroupId, MemberTag } from './brand';
import { concat, fromText, toText } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import { err, ok, type Result } from './result';
import type { Random } from './sodium';

/** `post`: its record id, 16 bytes. */
export interface EditPlace { readonly group: GroupId; readonly author: MemberTag; readonly post: Bytes }

const keyOf = (content: ContentKey): Bytes => hash(LABEL.editKey, content);
const about = (p: EditPlace): Bytes => concat(LABEL.editWords, p.group, p.author, p.post);

/** `content`: of the epoch in which the post was sealed. */
export const sealEdit = (content: ContentKey, at: EditPlace, text: string, random: Random): Bytes => box(keyOf(content), about(at), fromText(text), random);
export function openEdit(content: ContentKey, at: EditPlace, sealed: Bytes): Result<string, 'unreadable'> {
  const plain = unbox(keyOf(content), about(at), sealed);
  const text = plain.ok ? toText(plain.value) : null;
  return text === null ? err('unreadable') : ok(text);
}
