import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CoreClient, DraftView, PhotoView } from '$lib/core/port';
import { openDraft, type Draft } from '$lib/ui/group/draft.svelte';

const EMPTY: DraftView = { text: '', replyTo: null, photos: [], editing: null };

/** A draft over a core that takes every photo. */
function begin(view: DraftView = EMPTY): Draft {
  let made = 0;
  const core = {
    run: async (name: string) => {
      const photo: PhotoView = { photo: `photo ${String(++made)}`, width: 4, height: 3, size: 1, where: 'here' };
      return { ok: true, value: name === 'add-photo' ? photo : null };
    },
    watch: (_name: string, _key: string, show: (view: DraftView) => void) => {
      show(view);
      return () => undefined;
    }
  } as unknown as CoreClient;
  return openDraft(core, 'g');
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
    const draft = begin();
    await draft.add([bad(), new File(['x'], 'good.jpg')]);
    expect(draft.photos).toHaveLength(1);
    expect(draft.making).toEqual([]);
    expect(draft.problems).toHaveLength(1);
    expect(draft.problems[0]?.words).toContain(bad().name);
    await draft.add([new File(['x'], 'another.jpg')]);
    expect(draft.photos).toHaveLength(2);
  });
});
