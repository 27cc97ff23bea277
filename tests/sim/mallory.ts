/** A member gone bad, playing at random: forged lanes, two envelopes at one number, entries that must not count, conflicting transfers. */
import * as Y from 'yjs';
import type { Bytes, Hash, LogPk } from '../../crypto/brand';
import { fromText, hex } from '../../crypto/bytes';
import { newEpochKeys } from '../../crypto/epoch';
import { lockboxHash } from '../../crypto/kept';
import { chainHead, liveRows } from '../../crypto/roster/state';
import { makeRotation } from '../../src/lib/core/change';
import type { Seat } from '../support/circle';
import { broken, type Draw } from '../support/fuzz';
import { Mallory } from '../support/mallory';
import type { World } from '../support/world';

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';

export class MalloryAtPlay {
  private readonly she: Mallory;
  /** What the relay took from her and must not have. */
  readonly taken: string[] = [];

  constructor(world: World, private readonly seat: Seat) {
    this.she = new Mallory(world, seat);
  }
  async begin(): Promise<void> {
    await this.she.enter();
  }

  /** One thing she does; says what. */
  async act(draw: Draw): Promise<string> {
    const { she } = this;
    const { state } = she.run;
    const mine = she.run.ownRow?.device as number;
    const honest = (): Bytes => she.update([{ i: Buffer.from(she.random(16)).toString('base64url'), t: 'post', a: 1, x: 'Mallory was heard' }]);
    const doc = (client: number, change: (d: Y.Doc) => void, as: (d: Y.Doc) => Uint8Array = (d) => Y.encodeStateAsUpdate(d)): Bytes => {
      const d = new Y.Doc({ gc: false });
      d.clientID = client;
      change(d);
      return as(d).slice();
    };
    const client = mine * 2 ** 32 + draw(2 ** 30);
    const root = String(client);
    const plain = (): readonly [string, Bytes] => {
      switch (draw(10)) {
        case 0: return ['an honest update', honest()];
        case 1: return ['a lane of somebody else', doc((1 + draw(3)) * 2 ** 32 + 7, (d) => d.getArray(String((1 + draw(3)) * 2 ** 32 + 7)).push([{ i: ID, t: 'post', a: 1, x: 'forged' }]))];
        case 2: return ['deletes', doc(client, (d) => { d.getArray(root).push([1, 2, 3]); d.getArray(root).delete(0, 2); })];
        case 3: return ['the other encoding', doc(client, (d) => d.getArray(root).push([1]), (d) => Y.encodeStateAsUpdateV2(d))];
        case 4: return ['another root', doc(client, (d) => d.getMap('m').set('k', { i: ID }))];
        case 5: return ['a number beyond all numbers', new Uint8Array([...doc(client, (d) => d.getArray(root).push([1])).slice(0, -3), 125, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0])];
        case 6: return ['sixty thousand bytes', doc(client, (d) => d.getArray(root).push(Array.from({ length: 300 }, (_, i) => ({ i: ID, t: 'post', a: i, x: 'x'.repeat(180) }))))];
        case 7: return ['records of others', honestAs(draw)];
        case 8: return ['a broken update', broken([honest()], draw)];
        default: return ['no update at all', fromText('words')];
      }
    };
    const honestAs = (d: Draw): Bytes => {
      const post = this.seat.posts[d(Math.max(1, this.seat.posts.length))]?.id ?? ID;
      return she.update([{ i: ID, t: 'edit', a: 1, o: post.slice(0, 22), x: 'forged by Mallory' }, { i: `${ID.slice(0, 21)}Q`, t: 'retract', a: 1, o: post.slice(0, 22) }]);
    };
    try {
      switch (draw(12)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          const [what, bytes] = plain();
          const answer = await she.append(she.seal(bytes, draw(6) === 0 ? { rosterSeq: 1 + draw(state.seq), epoch: 1 + draw(state.seq) } : {}));
          return `Mallory seals ${what}: ${answer.is}`;
        }
        case 4: {
          const first = she.seal(honest());
          await she.append(first);
          const answer = await she.append({ ...she.seal(honest(), { n: she.n, prev: Buffer.alloc(32) as unknown as Hash }) }, she.n);
          return this.forbidden(`Mallory has two envelopes at ${she.n}`, answer);
        }
        case 9: {
          const answer = await she.append(she.seal(honest(), { n: she.n + 2 }), she.n + 2);
          return this.forbidden(`Mallory leaves out ${she.n + 1}`, answer);
        }
        case 11: {
          // new keys for all, and for some of them others than she promised
          const at = { prev: chainHead(state), seq: state.seq + 1 };
          const rows = liveRows(state);
          const good = makeRotation(at, rows, newEpochKeys(she.random), she.random, () => []);
          const other = makeRotation(at, rows, newEpochKeys(she.random), she.random, () => []);
          const boxes = good.boxes.map((b, i) => (draw(2) === 0 ? b : (other.boxes[i] as typeof b)));
          she.tell({ is: 'boxes', group: state.group, seq: at.seq, boxes });
          const answer = await she.change({ kind: 'rotate', rotation: { ...good.rotation, boxes: boxes.map((b) => ({ to: b.to, hash: lockboxHash(b.lockbox) })) } });
          return `Mallory rotates with junk: ${answer.is}`;
        }
        case 10: {
          // a roster that is behind the last change of keys
          const old = state.fence - 1;
          if (old < 1 || state.rows.get(hex(she.run.keys.logPk as LogPk))?.from === state.fence) return 'Mallory has no older roster';
          const answer = await she.append(she.seal(honest(), { rosterSeq: old }));
          return this.forbidden('Mallory writes under an older roster', answer);
        }
        case 5: {
          const e = she.seal(honest());
          const bad = e.bytes.slice();
          bad[bad.length - 1 - draw(60)]! ^= 1;
          const answer = await she.append({ bytes: bad, hash: e.hash });
          // her log now hangs on what nobody can take
          return `Mallory signs badly: ${answer.is}`;
        }
        case 6:
          for (let i = 0; i < 6; i++) await she.change({ kind: 'accept-owner', offer: 1 + draw(state.seq), rotation: { contentCommit: she.random(32) as Hash, rosterCommit: she.random(32) as Hash, boxes: liveRows(state).map((r) => ({ to: r.logPk, hash: she.random(32) as Hash })) } });
          return 'Mallory takes the group, six times';
        case 7:
          await she.change({ kind: 'remove', member: state.rows.get(hex(she.run.keys.logPk as LogPk))?.member ?? (she.random(16) as never), cuts: [], rotation: { contentCommit: she.random(32) as Hash, rosterCommit: she.random(32) as Hash, boxes: [] } });
          return 'Mallory removes somebody';
        default: {
          for (let i = 0; i < 25; i++) await she.change({ kind: 'name', display: she.random(100) });
          return 'Mallory floods the roster';
        }
      }
    } catch (e) {
      return `Mallory gets nowhere: ${(e as Error).message}`;
    }
  }

  private forbidden(what: string, answer: { readonly is: string }): string {
    if (answer.is === 'acks') this.taken.push(what);
    return `${what}: ${answer.is}`;
  }
}
