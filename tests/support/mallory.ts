/** Mallory, a member gone bad: her own keys, her own client, any frame she likes. She knows what a member's device knows. */
import { proveAccess } from '../../crypto/access';
import type { BlobId, Bytes, ContentKey, Hash, LogSk } from '../../crypto/brand';
import { concat } from '../../crypto/bytes';
import { ENVELOPE_NONCE, type EnvelopeContext, type EnvelopeHeader, envelopeHash, placeOf, sealEnvelope, signedPart, writeHeader } from '../../crypto/envelope';
import { LABEL } from '../../crypto/labels';
import { pad } from '../../crypto/padding';
import { na, type Random } from '../../crypto/sodium';
import { sign } from '../../crypto/verify';
import { decodeFromRelay, encodeToRelay, type FromRelay, type ToRelay } from '../../crypto/frames';
import { type EntryBody, signEntry } from '../../crypto/roster/entry';
import { chainAt, chainHead, currentEpoch } from '../../crypto/roster/state';
import type { Relay } from '../../relay/relay';
import { LaneWriter } from '../../src/lib/care/lane';
import { type CareRecord, newId } from '../../src/lib/care/record';
import { seeded } from './actor';
import type { Seat } from './circle';
import { HOST, type World } from './world';

type Unnumbered<T> = T extends unknown ? Omit<T, 're'> : never;

/** As `sealEnvelope`, which refuses to. */
function sealLarge(c: EnvelopeContext, header: EnvelopeHeader, plaintext: Bytes, key: ContentKey, secret: LogSk, random: Random): Bytes {
  const head = writeHeader(header);
  const place = placeOf(c, head);
  const nonce = random(ENVELOPE_NONCE);
  const sealed = na().crypto_aead_xchacha20poly1305_ietf_encrypt(pad(plaintext), place, null, nonce, key) as Bytes;
  return concat(head, nonce, sealed, sign(LABEL.envelope, signedPart(place, nonce, sealed), secret));
}

export class Mallory {
  readonly random = seeded('mallory');
  readonly heard: FromRelay[] = [];
  private re = 1;
  private readonly wire;
  n = 0;
  prev: Hash;

  /** Takes the keys out of her own device, which goes silent. Call `enter` next. */
  constructor(private readonly world: World, readonly seat: Seat, relay: Relay = world.relay) {
    seat.device.goOffline();
    const { ownHead } = seat.run;
    this.n = ownHead.n;
    this.prev = ownHead.hash;
    this.wire = relay.connect((b) => {
      const d = decodeFromRelay(b);
      if (d.ok) this.heard.push(d.value);
    }, HOST);
  }
  get run() {
    return this.seat.run;
  }
  tell(f: ToRelay): void {
    this.wire.receive(encodeToRelay(f));
  }
  close(): void {
    this.wire.close();
  }
  /** Asks, and gives what came back under the same number. */
  async ask(f: Unnumbered<Extract<ToRelay, { re: number }>>): Promise<FromRelay> {
    const re = this.re++;
    this.tell({ ...f, re } as ToRelay);
    await this.world.time.pass(5);
    const answer = this.heard.find((h) => 're' in h && h.re === re && h.is !== 'page');
    if (answer === undefined) throw new Error(`no answer to ${f.is}`);
    return answer;
  }
  /** Proves her key. */
  async enter(): Promise<FromRelay> {
    const hello = this.heard.find((h) => h.is === 'hello');
    if (hello?.is !== 'hello') throw new Error('no hello');
    const { keys, row } = this.run;
    const nonce = this.random(32);
    const signature = proveAccess({ as: 'log', host: HOST, group: row.id, serverNonce: hello.nonce, nonce }, keys.logSk);
    return this.ask({ is: 'auth', group: row.id, as: 'log', key: keys.logPk, nonce, signature });
  }
  /** Her next envelope around any plaintext, with any header; `isLarge`: around more than any client seals. */
  seal(plaintext: Bytes, more: { readonly rosterSeq?: number; readonly epoch?: number; readonly n?: number; readonly prev?: Hash; readonly blobs?: readonly BlobId[] } = {}, isLarge = false): { bytes: Bytes; hash: Hash } {
    const { state, keys, keyring } = this.run;
    const rosterSeq = more.rosterSeq ?? state.seq;
    const epoch = more.epoch ?? currentEpoch(state).seq;
    const content = keyring.get(epoch)?.content ?? keyring.get(currentEpoch(state).seq)?.content;
    if (content == null) throw new Error('she has no key');
    const context = { group: state.group, logPk: keys.logPk, prev: more.prev ?? this.prev, roster: chainAt(state, rosterSeq) ?? chainHead(state) };
    const header = { n: more.n ?? this.n + 1, rosterSeq, epoch, blobs: more.blobs ?? [] };
    const bytes = isLarge ? sealLarge(context, header, plaintext, content, keys.logSk, this.random) : sealEnvelope(context, header, plaintext, content, keys.logSk, this.random);
    return { bytes, hash: envelopeHash(context, bytes) };
  }
  /** Appends it to her log; the relay's answer. */
  async append(sealed: { bytes: Bytes; hash: Hash }, n = this.n + 1): Promise<FromRelay> {
    const before = this.heard.length;
    this.tell({ is: 'append', group: this.run.row.id, n, envelope: sealed.bytes });
    await this.world.time.pass(5);
    const answer = this.heard.slice(before).find((h) => h.is === 'acks' || (h.is === 'refused' && h.re === n) || h.is === 'gone');
    if (answer === undefined) throw new Error('no answer to append');
    if (answer.is === 'acks') {
      this.n = n;
      this.prev = sealed.hash;
    }
    return answer;
  }
  /** An honest lane update of her own. */
  update(records: readonly CareRecord[], random = this.random): Bytes {
    return new LaneWriter(this.run.ownRow?.device as number, currentEpoch(this.run.state).seq, random).write(records);
  }
  /** A fresh id for a record that she says in an epoch. */
  newId(epoch = currentEpoch(this.run.state).seq): string {
    return newId({ device: this.run.ownRow?.device as number, epoch }, this.random);
  }
  /** Puts any body into the roster under her name. */
  change(body: EntryBody): Promise<FromRelay> {
    const { state, keys } = this.run;
    const at = { prev: chainHead(state), seq: state.seq + 1 };
    return this.ask({ is: 'enter', group: state.group, seq: at.seq, entry: signEntry({ ...at, author: keys.logPk, body }, keys.logSk) });
  }
}
