/** What is being written in one group: words, photos, what it answers, and other words for an own post. Kept by the core, so it survives a reload and a lock. */
import type { CoreClient, DraftView, EditingView, GroupRef, PhotoId, PhotoView, PostId, PostItem } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';
import { faultWords } from '$lib/ui/fault';
import { encodePhoto, type PhotoFault } from './photo-encode';

/** A photo that is being made smaller. */
export interface Making {
  readonly key: number;
  /** From 0 to 1. */
  readonly part: number;
}
/** A sentence the writer has to read, until it is waved away. */
export interface Problem {
  readonly key: number;
  readonly words: string;
}

export interface Draft {
  text: string;
  readonly photos: readonly PhotoView[];
  readonly making: readonly Making[];
  readonly problems: readonly Problem[];
  readonly replyTo: PostId | null;
  /** An own post that is being changed. */
  readonly editing: EditingView | null;
  /** What was kept has been read; before that nothing is saved over it. */
  readonly ready: boolean;
  /** There is something that could be posted. */
  readonly full: boolean;
  answer(post: PostId | null): void;
  /** Takes up the pen for an own post; null lays it down, and forgets what it wrote. */
  change(post: PostItem | null): void;
  reword(text: string): void;
  /** Takes up a pen again that was laid down. Where other words are being changed by now, its words go to what is being written: neither is lost. */
  resume(pen: EditingView): void;
  /** Makes files ready one after the other; what is not a photo becomes a problem in words. */
  add(files: Iterable<File>): Promise<void>;
  drop(photo: PhotoId): void;
  dismiss(key: number): void;
  /** Posts; true when the core has saved it. On a fault the words stay. */
  post(): Promise<boolean>;
  /** Takes a post that is still held back into the draft. */
  takeBack(post: PostItem): Promise<boolean>;
  /** Saves at once what the pause would have saved. */
  flush(): void;
}

/** Whether a pen has words that are nowhere else. */
export const wrote = (pen: EditingView): boolean => pen.text.trim() !== pen.over;

/** How long the writing pauses before it is saved, in milliseconds. */
const PAUSE = 350;

export function openDraft(core: CoreClient, group: GroupRef): Draft {
  let text = $state('');
  let photos = $state.raw<readonly PhotoView[]>([]);
  let making = $state.raw<readonly Making[]>([]);
  let problems = $state.raw<readonly Problem[]>([]);
  let replyTo = $state<PostId | null>(null);
  let editing = $state.raw<EditingView | null>(null);
  let ready = $state(false);
  let lastKey = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let dirty = false;
  let line: Promise<void> = Promise.resolve();

  /** What was typed before the kept draft arrived stays, below it. */
  const lay = (view: DraftView): void => {
    const typed = text.trim();
    text = typed === '' || view.text.includes(typed) ? view.text : view.text.trim() === '' ? text : `${view.text}\n\n${text}`;
    photos = view.photos;
    replyTo = view.replyTo ?? replyTo;
    // a pen that wrote nothing is not taken up again
    if (view.editing !== null && wrote(view.editing)) editing = view.editing;
    ready = true;
  };
  const read = (): Promise<void> =>
    new Promise((done) => {
      let stop: (() => void) | null = null;
      let came = false;
      stop = core.watch('draft', group, (view) => {
        if (came) return;
        came = true;
        lay(view);
        stop?.();
        done();
      });
      if (came) stop();
    });
  const save = (): void => {
    dirty = false;
    void core.run('save-draft', { group, text, replyTo, ...(ready ? { editing } : {}) });
  };
  const rest = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  const flush = (): void => {
    rest();
    if (dirty) save();
  };
  /** The first change is saved at once and what follows every so often: a page can be gone before a pause ever comes. */
  const later = (): void => {
    dirty = true;
    if (timer !== null) return;
    save();
    timer = setTimeout(() => {
      timer = null;
      if (dirty) later();
    }, PAUSE);
  };
  const complain = (words: string): void => { problems = [...problems.filter((one) => one.words !== words), { key: ++lastKey, words }]; };
  const addOne = async (file: File): Promise<void> => {
    const key = ++lastKey;
    const step = (part: number): void => { making = making.map((one) => (one.key === key ? { key, part } : one)); };
    making = [...making, { key, part: 0 }];
    line = line.then(async () => {
      try {
        const encoded = await encodePhoto(file, step);
        if (!encoded.ok) complain(photoFault(encoded.fault, file.name));
        else {
          const added = await core.run('add-photo', { group, photo: encoded.photo });
          if (added.ok) photos = [...photos, added.value];
          else complain(faultWords(added.fault));
        }
      } catch {
        // whatever a browser does with one file, those behind it are made ready, and what is written can be posted
        complain(photoFault('internal', file.name));
      } finally {
        making = making.filter((one) => one.key !== key);
      }
    });
    await line;
  };
  void read();

  return {
    get text() { return text; },
    set text(next) { text = next; later(); },
    get photos() { return photos; },
    get making() { return making; },
    get problems() { return problems; },
    get replyTo() { return replyTo; },
    get editing() { return editing; },
    get ready() { return ready; },
    get full() { return text.trim() !== '' || photos.length > 0; },
    answer(post) { replyTo = post; later(); },
    change(post) {
      editing = post === null ? null : { post: post.id, text: post.text, over: post.text };
      later();
    },
    reword(next) {
      if (editing === null) return;
      editing = { ...editing, text: next };
      later();
    },
    resume(pen) {
      if (editing === null || !wrote(editing)) editing = pen;
      else text = [text.trim(), pen.text].filter((words) => words !== '').join('\n\n');
      later();
    },
    async add(files) { await Promise.all([...files].map(addOne)); },
    drop(photo) {
      photos = photos.filter((one) => one.photo !== photo);
      void core.run('drop-photo', { group, photo });
    },
    dismiss(key) { problems = problems.filter((one) => one.key !== key); },
    async post() {
      const kept = { text, photos, replyTo };
      rest();
      dirty = false;
      text = '';
      photos = [];
      replyTo = null;
      problems = [];
      const done = await core.run('post', { group, text: kept.text.trim(), photos: kept.photos.map((one) => one.photo), replyTo: kept.replyTo });
      if (done.ok) return true;
      text = text === '' ? kept.text : `${kept.text}\n\n${text}`;
      photos = [...kept.photos, ...photos];
      replyTo = kept.replyTo;
      complain(faultWords(done.fault));
      later();
      return false;
    },
    async takeBack(post) {
      flush();
      const done = await core.run('undo-post', { group, post: post.id });
      if (!done.ok) {
        complain(done.fault === 'too-late' ? m.group_undo_late() : faultWords(done.fault));
        return false;
      }
      await read();
      later();
      return true;
    },
    flush
  };
}

/** Why a file was not taken, naming the file: several may have been chosen at once. */
function photoFault(fault: PhotoFault, file: string): string {
  switch (fault) {
    case 'too-large': return m.group_fault_photo_large({ file });
    case 'not-an-image': return m.group_fault_photo_image({ file });
    case 'heic': return m.group_fault_photo_heic({ file });
    case 'internal': return m.group_fault_photo_other({ file });
  }
}
