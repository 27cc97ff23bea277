/** A member gone bad, playing at random: forged lanes, two envelopes at one number, entries that must not count, conflicting transfers. */
import * as Y from 'yjs';
import type { Bytes, Hash, LogPk } from '../../crypto/brand';
import { concat, equal, fromText, hex } from '../../crypto/bytes';
import { envelopeHash, sealEnvelope, writeHeader } from '../../crypto/envelope';
import { newEpochKeys } from '../../crypto/epoch';
import { lockboxHash } from '../../crypto/kept';
import { signWant } from '../../crypto/want';
import { chainAt, chainHead, currentEpoch, epochAt, liveRows } from '../../crypto/roster/state';
import { ask, type Log } from '../../relay/log';
import type { Rotation } from '../../crypto/roster/entry';
import type { CareRecord } from '../../src/lib/care/record';
import { makeRotation } from '../../src/lib/core/change';
import { takeLockboxes } from '../../src/lib/core/receive';
import type { Seat } from '../support/circle';
import { broken, type Draw } from '../support/fuzz';
import { Mallory } from '../support/mallory';
import type { World } from '../support/world';
import { groupOf, itemsAt, rosterAt } from './truth';
import { AFTER } from './words';

const ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const HIJACKED = 'said where somebody else writes';
const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inside: unknown) => ({ a: [inside] }), 1);
/** In the encoding that is not taken: run lengths of billions. */
const BOMB = new Uint8Array([0, 0, 6, 1, 255, 255, 255, 255, 15, 0, 0, 4, 0, 255, 255, 255, 15, 0, 0, 1, 1, 0]) as Bytes;

export class MalloryAtPlay {
  private she: Mallory;
  /** What the relay took from her and must not have. */
  readonly taken: string[] = [];
  /** The ids that she uses again and again. */
  private used: { readonly i: string; readonly client: Bytes } | null = null;

  constructor(private readonly world: World, private readonly seat: Seat, private readonly log: Log) {
    this.she = new Mallory(world, seat);
  }
  async begin(): Promise<void> {
    await this.she.enter();
  }
  /** Comes anew, as everybody does when the relay's process began again. */
  async again(): Promise<void> {
    const { n, prev, random } = this.she;
    this.she = new Mallory(this.world, this.seat);
    // she does not draw the same again
    Object.assign(this.she, { n, prev, random });
    await this.she.enter().catch(() => undefined);
  }

  /** One thing she does; says what. */
  async act(draw: Draw, others: readonly Seat[]): Promise<string> {
    const { she } = this;
    const end = others[0]?.run.state.rows.get(hex(she.run.keys.logPk as LogPk))?.end ?? null;
    const known = she.run.state;
    if (end === null && others[0] !== undefined) await this.follows(others[0]);
    const { state } = she.run;
    const mine = she.run.ownRow?.device as number;
    const honest = (): Bytes => she.update([{ i: she.newId(), t: 'post', a: 1, x: 'Mallory was heard' }]);
    const doc = (client: number, change: (d: Y.Doc) => void, as: (d: Y.Doc) => Uint8Array = (d) => Y.encodeStateAsUpdate(d)): Bytes => {
      const d = new Y.Doc({ gc: false });
      d.clientID = client;
      change(d);
      return as(d).slice();
    };
    const client = mine * 2 ** 32 + draw(2 ** 30);
    const root = String(client);
    const plain = (): readonly [string, Bytes] => {
      switch (draw(15)) {
        case 1: return ['a lane of somebody else', doc((1 + draw(3)) * 2 ** 32 + 7, (d) => d.getArray(String((1 + draw(3)) * 2 ** 32 + 7)).push([{ i: she.newId(), t: 'post', a: 1, x: 'forged' }]))];
        case 2: return ['deletes', doc(client, (d) => { d.getArray(root).push([1, 2, 3]); d.getArray(root).delete(0, 2); })];
        case 3: return ['the other encoding', doc(client, (d) => d.getArray(root).push([1]), (d) => Y.encodeStateAsUpdateV2(d))];
        case 4: return ['another root', doc(client, (d) => d.getMap('m').set('k', { i: ID }))];
        case 5: return ['a number beyond all numbers', new Uint8Array([...doc(client, (d) => d.getArray(root).push([1])).slice(0, -3), 125, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0])];
        case 6: return ['one record two hundred times', doc(client, (d) => d.getArray(root).push(Array.from({ length: 200 }, ((one) => (_: unknown, i: number) => ({ i: one, t: 'post', a: i, x: 'x'.repeat(180) }))(she.newId()))))];
        case 7: return ['records of others, and what was said before, anew', honestAs(draw)];
        case 8: return ['a broken update', broken([honest()], draw)];
        case 0:
        case 12:
        case 13: return this.hijacked(others, draw) ?? ['an honest update', honest()];
        case 9: return ['a few bytes that unpack to very many', BOMB];
        case 10: return ['something deep', doc(client, (d) => d.getArray(root).push([nested(60)]))];
        case 11: return ['six hundred records', doc(client, (d) => d.getArray(root).push(Array.from({ length: 600 }, (_, i) => ({ i: she.newId(), t: 'retract', a: i, o: ID }))))];
        default: return ['no update at all', fromText('words')];
      }
    };
    const honestAs = (d: Draw): Bytes => {
      const post = this.seat.posts[d(Math.max(1, this.seat.posts.length))]?.id ?? ID;
      const used = (this.used ??= { i: she.newId(), client: she.random(4) });
      const said = (i: string): CareRecord => ({ i, t: 'post', a: 1, x: `said by Mallory in ${currentEpoch(state).seq}` });
      return she.update([{ i: she.newId(), t: 'edit', a: 1, o: post.slice(0, 22), x: 'forged by Mallory' }, { i: she.newId(), t: 'retract', a: 1, o: post.slice(0, 22) }, said(used.i), said(she.newId())], () => used.client);
    };
    try {
      if (end !== null) return await this.after(others[0] as Seat, end, draw);
      switch (draw(15)) {
        case 0:
        case 1:
        case 2:
        case 3: {
          const [what, bytes] = plain();
          const answer = await she.append(she.seal(bytes, draw(6) === 0 ? { rosterSeq: 1 + draw(state.seq), epoch: 1 + draw(state.seq) } : {}));
          if (others.some((s) => s.posts.some((p) => p.text === HIJACKED))) this.taken.push('words under the client id of another');
          return `Mallory seals ${what}: ${answer.is}`;
        }
        case 4: {
          const first = she.seal(honest());
          const was = await she.append(first);
          if (was.is === 'acks' && (await she.append(first, she.n)).is !== 'acks') this.taken.push('nothing, of the very bytes that it has');
          // a relay that was put back may have lost the one before, and cannot know that there was one
          const isThere = ((await this.headAt(mine)) ?? 0) >= she.n;
          const answer = await she.append({ ...she.seal(honest(), { n: she.n, prev: Buffer.alloc(32) as unknown as Hash }) }, she.n);
          return isThere ? this.forbidden(`Mallory has two envelopes at ${she.n}`, answer) : `Mallory says again what was lost at ${she.n}: ${answer.is}`;
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
          // a roster that is behind the last change of keys which the relay has: a restored one may still have to hear of others
          if (known.seq >= ((await rosterAt(this.log, state.group))?.fence ?? 0)) return 'Mallory has no older roster';
          const answer = await she.append(she.seal(honest(), { rosterSeq: known.seq, epoch: currentEpoch(known).seq }));
          return this.forbidden('Mallory writes under an older roster', answer);
        }
        case 12: {
          // whatever she asks for, keys that are made once she is out are not for her
          const want = signWant(state.group, { logPk: she.run.keys.logPk as LogPk, spans: [{ first: 1, last: 70_000 }] }, she.run.keys.logSk);
          const answer = await she.ask({ is: 'want', group: state.group, want });
          return `Mallory wants every key there will be: ${answer.is}`;
        }
        case 13: {
          // while she is being removed she goes on talking
          const owner = others.find((s) => s.view.iOwn);
          if (owner === undefined || draw(2) === 0) return 'Mallory bides her time';
          let isOver = false;
          owner.device.begin('remove', { group: owner.group, member: she.run.me }, (o) => {
            isOver = true;
            if (!o.ok && o.fault === 'changed-meanwhile' && owner.run.state.members.get(she.run.me)?.end === null) this.taken.push('her talk keeps her in');
          });
          for (let i = 0; i < 60 && !isOver && (await this.talks(honest())); i++);
          return `Mallory talks on while she is removed, to ${she.n}`;
        }
        case 14: {
          // larger than any client would seal, and as large as the relay takes
          const many = doc(client, (d) => d.getArray(root).push(Array.from({ length: 400 }, (_, i) => ({ i: she.newId(), t: 'post', a: i, x: 'x'.repeat(160) }))));
          const answer = await she.append(she.seal(many, {}, true));
          return `Mallory seals ${many.length} bytes: ${answer.is}`;
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
          for (let i = 0; i < 6; i++) {
            const { body, tell } = this.rotation();
            tell();
            const answer = await she.change({ kind: 'accept-owner', offer: state.offer !== null && state.offer.to !== she.run.me ? state.offer.seq : 1 + draw(state.seq), rotation: body });
            if (answer.is === 'entered' && state.offer?.to !== she.run.me) this.taken.push('the group, which nobody offered her');
          }
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

  /** What any member's device sees: the roster, and keys in her own lockboxes. */
  private async follows({ run }: Seat): Promise<void> {
    const { she } = this;
    if (run.state.seq <= she.run.state.seq) return;
    she.run.state = run.state;
    she.run.entries = [...run.entries];
    const boxes = await ask(this.log, 'lockboxes', { g: (await groupOf(this.log, run.row.id)) as number, device: she.run.ownRow?.device as number, after: 0 });
    if (boxes.ok) await takeLockboxes(she.run, boxes.value.items);
  }
  /** Says something and goes on at once; whether she still may. */
  private async talks(words: Bytes): Promise<boolean> {
    const { she } = this;
    const before = she.heard.length;
    const sealed = she.seal(words);
    she.tell({ is: 'append', group: she.run.row.id, n: she.n + 1, envelope: sealed.bytes });
    await this.world.time.pass(1);
    const answers = she.heard.slice(before);
    if (answers.some((h) => h.is === 'acks')) Object.assign(she, { n: she.n + 1, prev: sealed.hash });
    return !answers.some((h) => h.is === 'gone');
  }
  /** New keys for everybody, and how to tell the relay of them. */
  private rotation(): { readonly body: Rotation; readonly tell: () => void } {
    const { she } = this;
    const { state } = she.run;
    const at = { prev: chainHead(state), seq: state.seq + 1 };
    const { rotation, boxes } = makeRotation(at, liveRows(state), newEpochKeys(she.random), she.random, () => []);
    return { body: rotation, tell: () => she.tell({ is: 'boxes', group: state.group, seq: at.seq, boxes }) };
  }
  /** She writes on where somebody else's client id stands, as if she were that one. */
  private hijacked(others: readonly Seat[], draw: Draw): readonly [string, Bytes] | null {
    const { run } = this.she;
    const clients = Object.entries(others[0]?.run.feed.index.clients ?? {})
      .map(([place, clock]) => [...place.split(' '), clock] as [string, string, number])
      .filter(([client, epoch]) => Math.floor(Number(client) / 2 ** 32) !== run.ownRow?.device && Number(epoch) === currentEpoch(run.state).seq);
    // those heard of last are in use
    const at = clients.slice(-2)[draw(2)];
    if (at === undefined) return null;
    const [root, , clock] = at;
    const doc = new Y.Doc({ gc: false });
    doc.clientID = Number(root);
    doc.getArray(root).push(Array.from({ length: clock }, () => 0));
    const before = Y.encodeStateVector(doc);
    doc.getArray(root).push([{ i: this.she.newId(), t: 'post', a: 1, x: HIJACKED }]);
    return ['the lane in which somebody is writing', Y.encodeStateAsUpdate(doc, before).slice() as Bytes];
  }
  /** She is out: nothing of hers counts any more, by the relay or through it. */
  private async after(witness: Seat, end: { readonly seq: number }, draw: Draw): Promise<string> {
    const { she } = this;
    const { state } = witness.run;
    const words = she.update([{ i: she.newId(), t: 'post', a: 1, x: AFTER }]);
    // under the roster of then, or of now with the last keys that she has
    const rosterSeq = draw(2) === 0 ? end.seq - 1 : state.seq;
    const content = [...she.run.keyring.values()].at(-1)?.content;
    if (content == null) return 'Mallory is out and has no key';
    const context = { group: state.group, logPk: she.run.keys.logPk as LogPk, prev: she.prev, roster: chainAt(state, rosterSeq) as Hash };
    const bytes = sealEnvelope(context, { n: she.n + 1, rosterSeq, epoch: epochAt(state, rosterSeq)?.seq ?? 1, blobs: [] }, words, content, she.run.keys.logSk, she.random);
    const sealed = { bytes, hash: envelopeHash(context, bytes) };
    if (draw(2) === 0) return this.forbidden('Mallory is out and writes on', await she.append(sealed));
    const g = await groupOf(this.log, state.group);
    const stored = await ask(this.log, 'append', {
      g: g as number, device: she.run.ownRow?.device as number, n: she.n + 1, rosterSeq, time: this.world.time.now, verdict: 'fine', judgedAt: state.seq, group: state.group, logPk: context.logPk, roster: context.roster, blobs: [], envelope: bytes
    });
    if (stored.ok && stored.value.is === 'stored') Object.assign(she, { n: she.n + 1, prev: sealed.hash });
    return `Mallory is out, and the relay keeps what she writes: ${stored.ok ? stored.value.is : 'no'}`;
  }
  /** To a restored relay she gives what another log has, spoilt. */
  async givesSpoilt(others: readonly Seat[], draw: Draw): Promise<string> {
    const { she } = this;
    const { state } = she.run;
    const row = others[draw(Math.max(1, others.length))]?.run.ownRow;
    const g = await groupOf(this.log, state.group);
    const head = row == null ? null : await this.headAt(row.device);
    if (g === null || row == null || head === null) return 'Mallory has nobody to wrong';
    const n = head + 1;
    const bytes = concat(writeHeader({ n, rosterSeq: 1 + draw(state.seq), epoch: 1, blobs: [] }), she.random(24 + 272 + 64));
    await she.ask({ is: 'give', group: state.group, items: [{ device: row.device, n, time: 1, envelope: bytes }] });
    // the true one may come meanwhile
    if ((await itemsAt(this.log, g)).some((i) => i.device === row.device && i.n === n && equal(i.envelope, bytes))) this.taken.push('an envelope that nobody signed, in the log of another');
    return `Mallory gives what nobody signed as ${row.device} ${n}`;
  }

  /** How far the relay has a log. */
  private async headAt(device: number): Promise<number | null> {
    const g = await groupOf(this.log, this.she.run.row.id);
    const head = g === null ? null : await ask(this.log, 'head', { g, device });
    return head?.ok === true ? head.value.n : null;
  }
  private forbidden(what: string, answer: { readonly is: string }): string {
    if (answer.is === 'acks') this.taken.push(what);
    return `${what}: ${answer.is}`;
  }
}
