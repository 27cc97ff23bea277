/** Commands of the feed: writing, taking back, pictures, and what was seen. None of them waits for the relay. */
import { openBlob, sealBlob } from '$crypto/blob';
import { fromText } from '$crypto/bytes';
import { LIMIT } from '$crypto/limits';
import { isLater } from '../care/feed';
import { DRAFT_MOST, EDIT_MOST, type EditRecord, parseRecord, PHOTOS_MOST, type PhotoRecord, type PostRecord, postIdOf, recordIdOf, TEXT_MOST } from '../care/record';
import type { Change } from '../store/store';
import { type Handlers, here as hereOf, no, yes } from './commands-kit';
import type { Core } from './core';
import type { GroupRun, OutboxItem } from './group-run';
import { drop, put, putBytes } from './group-rows';
import { amended, photoView } from './group-view';
import { HOLD_MOST } from './hold';
import { blobBytes, blobRecord, blobRef } from './pictures';
import type { Fault } from './port';
import { findPost, pendingPost, showing } from './posts';
import { readOlder } from './project';
import { idNow } from './renew';
import { noteSeen } from './seen-marks';
import { enqueue, replaceItem } from './send';
import { draftsIn } from './waiting';

type Name = 'post' | 'undo-post' | 'edit' | 'retract' | 'save-draft' | 'add-photo' | 'drop-photo' | 'photo' | 'older' | 'seen';

export function feedCommands(core: Core): Pick<Handlers, Name> {
  const { clock, random } = core.ports;
  const here = hereOf(core);
  const shows = (run: GroupRun, ids: readonly string[] | null): void => run.around.changed(run.ref, 'feed', ids);
  const writable = (run: GroupRun): Fault | null => (run.row.ended !== null ? 'group-ended' : null);
  /** The list of groups counts drafts, not letters. */
  const lay = (run: GroupRun, draft: GroupRun['draft']): void => {
    const before = draftsIn(run.draft);
    run.draft = draft;
    if (draftsIn(draft) !== before) core.views.touch('home', null);
  };
  async function saveDraft(run: GroupRun, draft: GroupRun['draft'], more: Parameters<GroupRun['commit']>[0] = []): Promise<void> {
    await run.commit([put('draft', run.ref, draft), ...more]);
    lay(run, draft);
    core.views.touch('draft', run.ref);
  }
  /** Still here and not on its way: it can be changed in place. */
  const isOpen = (run: GroupRun, { key }: OutboxItem): boolean => run.sealed?.keys.includes(key) !== true;
  const unsealed = (run: GroupRun, post: string): OutboxItem | undefined => [pendingPost(run, post)].find((o) => o !== undefined && isOpen(run, o));
  const editsOf = (run: GroupRun, post: string): OutboxItem[] => run.outbox.filter(({ record: r }) => r.t === 'edit' && postIdOf(r.o, run.me) === post);
  /** Takes what is open out of the outbox at once, so that nothing seals it now; it is back when `commit` fails. */
  async function takeOut(run: GroupRun, items: readonly OutboxItem[], commit: (drops: Change[]) => Promise<unknown>): Promise<void> {
    run.outbox = run.outbox.filter((o) => !items.includes(o));
    try {
      await commit(items.map((o) => drop('outbox', o.key)));
    } catch (e) {
      run.outbox = [...run.outbox, ...items].sort((a, b) => a.made - b.made);
      throw e;
    }
  }
  const ownPost = (run: GroupRun, post: string): boolean =>
    findPost(run, post)?.member === run.me || pendingPost(run, post) !== undefined;

  /** Later than the words that it changes, whatever the clock says (PROTOCOL §15.4). */
  const changedAt = (run: GroupRun, post: string): number => Math.min(Number.MAX_SAFE_INTEGER, Math.max(clock(), (amended(run, post, run.me).edited ?? -1) + 1));

  const hasPhotos = (run: GroupRun, post: string): boolean => (findPost(run, post)?.photos ?? (pendingPost(run, post)?.record as PostRecord | undefined)?.p ?? []).length > 0;

  return {
    post: ({ group, text, photos, replyTo: answered }) =>
      here(group, async (run) => {
        const replyTo = answered === null ? null : idNow(run, answered);
        const fault = writable(run);
        if (fault !== null) return no(fault);
        const found = photos.map((p) => run.draft.photos.find((d) => d.full.b === p));
        if (text.length > TEXT_MOST) return no('too-large');
        if (found.includes(undefined)) return no('not-found');
        if (text.trim() === '' && photos.length === 0) return no('empty');
        const record: PostRecord = { i: run.newId(), t: 'post', a: clock(), x: text.trim() };
        if (found.length > 0) record.p = found as PhotoRecord[];
        if (replyTo !== null) record.r = replyTo;
        if (parseRecord(record) === null) return no('not-allowed');
        const empty = { ...run.draft, text: '', replyTo: null, photos: run.draft.photos.filter((d) => !photos.includes(d.full.b)) };
        await enqueue(run, [{ record, heldUntil: clock() + HOLD_MOST }], [put('draft', run.ref, empty)]);
        run.draft = empty;
        const post = postIdOf(record.i, run.me);
        shows(run, showing(run, post));
        core.views.touch('draft', group);
        return yes({ post });
      }),
    'undo-post': ({ group, post: shown }) =>
      here(group, async (run) => {
        const post = idNow(run, shown);
        const item = unsealed(run, post);
        if (item === undefined) return no('too-late');
        const r = item.record as PostRecord;
        const text = [r.x, run.draft.text].filter((t) => t !== '').join('\n\n');
        const draft = { ...run.draft, text, replyTo: r.r ?? run.draft.replyTo, photos: [...(r.p ?? []), ...run.draft.photos] };
        await takeOut(run, [item], (drops) => saveDraft(run, draft, drops));
        shows(run, r.r === undefined ? [post] : [post, r.r]);
        return yes(null);
      }),
    edit: ({ group, post: shown, text }) =>
      here(group, async (run) => {
        const post = idNow(run, shown);
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (!ownPost(run, post)) return no('not-allowed');
        // a photo speaks without words; nothing at all is what “Take back” is for
        if (text.trim() === '' && !hasPhotos(run, post)) return no('empty');
        if (text.length > TEXT_MOST || fromText(text).length > EDIT_MOST) return no('too-large');
        const item = unsealed(run, post);
        const edits = editsOf(run, post);
        const waits = edits.findLast((o) => isOpen(run, o));
        const words = { a: changedAt(run, post), x: text.trim() };
        const i = (waits?.record ?? { i: run.newId() }).i;
        // nothing is later than the last moment there is: it is taken back and said anew
        if (!isLater({ a: words.a, i }, amended(run, post, run.me))) return no('not-allowed');
        const said = run.draft.editing?.post === post ? { ...run.draft, editing: null } : run.draft;
        const rows = said === run.draft ? [] : [put('draft', run.ref, said)];
        if (waits !== undefined) await replaceItem(run, waits, { ...(waits.record as EditRecord), ...words }, rows);
        // a change that waits would stand over words inside the post
        else if (item === undefined || edits.length > 0) await enqueue(run, [{ record: { i, t: 'edit', o: recordIdOf(post), ...words }, heldUntil: 0 }], rows);
        else await replaceItem(run, item, { ...(item.record as PostRecord), x: words.x }, rows);
        run.draft = said;
        shows(run, showing(run, post));
        return yes(null);
      }),
    retract: ({ group, post: shown }) =>
      here(group, async (run) => {
        const post = idNow(run, shown);
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (!ownPost(run, post)) return no('not-allowed');
        const item = unsealed(run, post);
        // words that never left need not leave: the post goes out empty, its changes not at all
        if (item !== undefined) {
          const { p: _, ...rest } = item.record as PostRecord;
          await replaceItem(run, item, { ...rest, x: '' });
        }
        const edits = editsOf(run, post).filter((o) => isOpen(run, o));
        await takeOut(run, edits, (drops) => enqueue(run, [{ record: { i: run.newId(), t: 'retract', a: clock(), o: recordIdOf(post) }, heldUntil: 0 }], drops));
        shows(run, showing(run, post));
        return yes(null);
      }),
    'save-draft': ({ group, text, replyTo, editing }) =>
      here(group, async (run) => {
        const pen = editing == null ? editing : { ...editing, post: idNow(run, editing.post) };
        const draft = { ...run.draft, text, replyTo: replyTo === null ? null : idNow(run, replyTo), ...(pen === undefined ? {} : { editing: pen }) };
        if (JSON.stringify(draft) === JSON.stringify(run.draft)) return yes(null);
        if (text.length > DRAFT_MOST || (editing?.text ?? '').length > DRAFT_MOST) return no('too-large');
        await run.commit([put('draft', run.ref, draft)]);
        lay(run, draft);
        return yes(null);
      }),
    'add-photo': ({ group, photo }) =>
      here(group, async (run) => {
        const fault = writable(run);
        if (fault !== null) return no(fault);
        if (run.draft.photos.length >= PHOTOS_MOST) return no('too-many');
        if (photo.full.length > LIMIT.blob / 2 || photo.thumb.length > 512 * 1024) return no('too-large');
        if (photo.full.length === 0 || photo.thumb.length === 0) return no('not-an-image');
        const full = sealBlob(photo.full, random);
        const thumb = sealBlob(photo.thumb, random);
        const record: PhotoRecord = { full: blobRecord(full), thumb: blobRecord(thumb), w: photo.width, h: photo.height, t: photo.type };
        await saveDraft(run, { ...run.draft, photos: [...run.draft.photos, record] }, [
          putBytes('upload', run.blobKey(record.full.b), full.ciphertext), putBytes('upload', run.blobKey(record.thumb.b), thumb.ciphertext)
        ]);
        run.localBlobs.add(record.full.b);
        void core.measure();
        return yes(photoView(run, record));
      }),
    'drop-photo': ({ group, photo }) =>
      here(group, async (run) => {
        const p = run.draft.photos.find((d) => d.full.b === photo);
        if (p === undefined) return no('not-found');
        await saveDraft(run, { ...run.draft, photos: run.draft.photos.filter((d) => d !== p) }, [
          drop('upload', run.blobKey(p.full.b)), drop('upload', run.blobKey(p.thumb.b))
        ]);
        return yes(null);
      }),
    async photo({ group, photo, size }) {
      // not in the group's turn: a slow picture must not hold up the words
      const run = core.groups.get(group);
      const p = run?.photo(photo) ?? null;
      if (run === undefined || p === null) return no('not-found');
      const blob = size === 'thumb' ? p.thumb : p.full;
      const before = photoView(run, p).where;
      const ciphertext = await blobBytes(run, blob);
      // where it is has turned out otherwise: the words beside it must not stay
      if (photoView(run, p).where !== before) shows(run, null);
      if (typeof ciphertext === 'string') return no(ciphertext);
      const opened = openBlob(blobRef(blob), ciphertext);
      if (!opened.ok) return no('not-found');
      return yes({ bytes: opened.value, type: p.t });
    },
    older: ({ group }) =>
      here(group, async (run) => {
        await readOlder(run);
        shows(run, null);
        return yes(null);
      }),
    seen: ({ group, posts, changes = {} }) =>
      here(group, async (run) => {
        if (run.row.ended !== null) return yes(null);
        await noteSeen(run, posts, changes);
        core.views.touch('home', null);
        return yes(null);
      })
  };
}
