import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CoreClient, DraftView, EditingView, PhotoView, PostItem } from '$lib/core/port';
import { openDraft, type Draft } from '$lib/ui/group/draft.svelte';

const EMPTY: DraftView = { text: '', replyTo: null, photos: [], editing: null };

interface Kept {
  readonly draft: Draft;
  /** What the core was told last to keep. */
  readonly saved: () => { text: string; editing?: EditingView | null } | undefined;
}
/** A draft over a core that keeps what it is told. */
function begin(view: DraftView = EMPTY): Kept {
  let saved: ReturnType<Kept['saved']>;
  let made = 0;
  const core = {
    run: async (name: string, input: never) => {
      if (name === 'save-draft') saved = input;
      const photo: PhotoView = { photo: `photo ${String(++made)}`, width: 4, height: 3, size: 1, where: 'here' };
      return { ok: true, value: name === 'add-photo' ? photo : null };
    },
    watch: (_name: string, _key: string, show: (view: DraftView) => void) => {
      show(view);
      return () => undefined;
    }
  } as unknown as CoreClient;
  return { draft: openDraft(core, 'g'), saved: () => saved };
}

/** As a photo that is still in a cloud, or a folder that was dropped. */
function unreadable(name: string): File {
  const file = new File(['x'], name);
  const part = Object.assign(new Blob(['x']), { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')) });
  return Object.assign(file, { slice: () => part });
}

describe('photos of a draft', () => {
  afterEach(() => { vi.unstubAllGlobals(); });
  beforeEach(() => {
    // what a browser has to draw with
    vi.stubGlobal('createImageBitmap', async (file: File) => {
      if (file.name === 'cloud.jpg') throw new DOMException('gone', 'InvalidStateError');
      return { width: 4, height: 3, close() { if (file.name === 'odd.jpg') throw new Error('odd'); } };
    });
    vi.stubGlobal('document', { createElement: () => ({ getContext: () => ({ fillRect() {}, drawImage() {} }), toBlob: (done: (blob: Blob) => void) => { done(new Blob(['jpeg'])); } }) });
  });

  it.each([['that cannot be read', () => unreadable('cloud.jpg')], ['that breaks while it is drawn', () => new File(['x'], 'odd.jpg')]])('one %s is complained of, and those behind it are made ready', async (_which, bad) => {
    const { draft } = begin();
    await draft.add([bad(), new File(['x'], 'good.jpg')]);
    expect(draft.photos).toHaveLength(1);
    expect(draft.making).toEqual([]);
    expect(draft.problems).toHaveLength(1);
    expect(draft.problems[0]?.words).toContain(bad().name);
    await draft.add([new File(['x'], 'another.jpg')]);
    expect(draft.photos).toHaveLength(2);
  });
});

describe('a pen that changes an own post', () => {
  const post = (id: string, text: string) => ({ is: 'post', id, text }) as PostItem;

  it('is taken up again with what it wrote, and is kept so', () => {
    const { draft, saved } = begin();
    draft.change(post('a', 'Take 50 mg.'));
    draft.reword('Take 5 mg');
    const pen = draft.editing;
    draft.change(null);
    draft.flush();
    expect([draft.editing, saved()?.editing]).toEqual([null, null]);
    if (pen !== null) draft.resume(pen);
    draft.flush();
    const whole = { post: 'a', text: 'Take 5 mg', over: 'Take 50 mg.' };
    expect([draft.editing, saved()?.editing]).toEqual([whole, whole]);
  });

  it('takes nothing from another that is in use, and loses nothing of its own', () => {
    const { draft, saved } = begin();
    draft.text = 'Soon.';
    const pen: EditingView = { post: 'a', text: 'Take 5 mg', over: 'Take 50 mg.' };
    draft.change(post('b', 'At two.'));
    draft.reword('At three.');
    draft.resume(pen);
    draft.flush();
    expect(saved()).toMatchObject({ text: 'Soon.\n\nTake 5 mg', editing: { post: 'b', text: 'At three.' } });
    // one that wrote nothing makes way
    draft.reword('At two.');
    draft.resume(pen);
    expect([draft.editing, draft.text]).toEqual([pen, 'Soon.\n\nTake 5 mg']);
  });
});
