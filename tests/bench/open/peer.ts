/** The peer: one plaintext Y.Doc in y-indexeddb, every post a Y.Map, as it is commonly done; or a plain value, with `?plain`. */
import { IndexeddbPersistence, storeState } from 'y-indexeddb';
import * as Y from 'yjs';
import type { Opened, Peer } from './side';
import { textsOf } from './posts';

const plain = location.search === '?plain';
const name = plain ? 'peer-plain' : 'peer';
type Post = Y.Map<unknown> | Readonly<Record<string, unknown>>;

const side: Peer = {
  async fill() {
    const doc = new Y.Doc();
    const kept = new IndexeddbPersistence(name, doc);
    await kept.whenSynced;
    doc.transact(() => {
      const posts = doc.getArray<Post>('posts');
      textsOf().forEach((text, i) => {
        const post = { id: `${i}`.padStart(22, 'x'), member: `${i % 4}`.padStart(32, '0'), at: 1_760_000_000_000 + i, text, photos: [], replyTo: null };
        posts.push([plain ? post : new Y.Map<unknown>(Object.entries(post))]);
      });
    });
    await storeState(kept, true);
    await new Promise((done) => setTimeout(done, 500));
    await kept.destroy();
  },
  async open(): Promise<Opened> {
    const began = performance.now();
    const doc = new Y.Doc();
    const kept = new IndexeddbPersistence(name, doc);
    await kept.whenSynced;
    let letters = 0;
    const posts = doc.getArray<Post>('posts');
    posts.forEach((p) => void (letters += ((p instanceof Y.Map ? p.get('text') : p['text']) as string).length));
    const ms = performance.now() - began;
    return { ms, posts: posts.length, letters };
  }
};
Object.assign(window, { side });
