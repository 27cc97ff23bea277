/** A relay without sockets or worker, and devices that speak frames to it; everything that comes back is kept. */
import { proveAccess } from '../../../crypto/access';
import type { Bytes, ContentKey, GroupId, InvitePk } from '../../../crypto/brand';
import { fromText, hex } from '../../../crypto/bytes';
import type { EpochKeys } from '../../../crypto/epoch';
import { type AddressedLockbox, decodeFromRelay, encodeToRelay, type FromRelay, NONCE, type SessionKind, type ToRelay } from '../../../crypto/frames';
import type { InviteKeys } from '../../../crypto/invite-secret';
import type { KeyringItem } from '../../../crypto/lockbox';
import { begin as beginFold, fold } from '../../../crypto/roster/fold';
import { currentEpoch, type RosterState } from '../../../crypto/roster/state';
import type { Random } from '../../../crypto/sodium';
import type { Log } from '../../../relay/log';
import { localLog } from '../../../relay/log-sqlite';
import { createRelay, type Relay, type RelayParts } from '../../../relay/relay';
import { admitEntry, type Device, envelope, foundGroup, type Heads, inviteEntry, type Made, makeDevice, makeRelay, newRow, pen, type Pen, seeded } from '../../support/actor';

export const HOST = 'relay.example:8940';

export interface Rhea {
  readonly relay: Relay;
  readonly log: Log;
  readonly random: Random;
  /** Milliseconds since 1970 by the relay's clock; set it to pass time. */
  now: number;
}

/** A relay on a store in memory, or the one given. */
export function rhea(seed: string, more: Partial<RelayParts> = {}): Rhea {
  const random = seeded(seed);
  const keys = makeRelay(seeded('rhea'));
  const log = more.log ?? localLog(':memory:', 7);
  const at = { now: 1_000_000 };
  const relay = createRelay({ log, random, keys, host: HOST, clock: () => at.now, pace: 0, ...more });
  return {
    relay, log, random,
    get now() {
      return at.now;
    },
    set now(v) {
      at.now = v;
    }
  };
}

export type Of<K extends FromRelay['is']> = Extract<FromRelay, { is: K }>;

/** One connection. */
export class Phone {
  readonly heard: FromRelay[] = [];
  private readonly wire;
  private re = 0;
  /** `from`: the address that it comes from. */
  constructor(relay: Relay, readonly random: Random, readonly host = HOST, from: string | null = null) {
    this.wire = relay.connect((frame) => {
      const f = decodeFromRelay(frame);
      if (!f.ok) throw new Error('the relay sent what cannot be read');
      this.heard.push(f.value);
    }, host, undefined, from);
  }
  get hello(): Of<'hello'> {
    return this.heard[0] as Of<'hello'>;
  }
  /** The milliseconds that the relay asks to wait. */
  raw(frame: Uint8Array): number {
    return this.wire.receive(frame);
  }
  tell(f: ToRelay): void {
    this.raw(encodeToRelay(f));
  }
  close(): void {
    this.wire.close();
  }
  /** Whether the relay would end the connection. */
  get isHopeless(): boolean {
    return this.wire.isHopeless;
  }
  /** Sends with a fresh `re` and returns what answers it, once everything gathered has gone out. */
  async ask(make: (re: number) => ToRelay): Promise<FromRelay> {
    const re = ++this.re;
    this.tell(make(re));
    await settled();
    return this.heard.find((f) => 're' in f && f.re === re) ?? Promise.reject(new Error('no answer'));
  }
  auth(group: GroupId, as: SessionKind, keys: { readonly pk: Bytes; readonly sk: Bytes }, more: { serverNonce?: Bytes; nonce?: Bytes; host?: string } = {}): Promise<FromRelay> {
    const nonce = more.nonce ?? this.random(NONCE);
    const proof = { as, host: more.host ?? this.host, group, serverNonce: more.serverNonce ?? this.hello.nonce, nonce };
    return this.ask((re) => ({ is: 'auth', re, group, as, key: keys.pk as InvitePk, nonce, signature: proveAccess(proof, keys.sk) }));
  }
  as(device: Device, group: GroupId): Promise<FromRelay> {
    return this.auth(group, 'log', { pk: device.logPk, sk: device.logSk });
  }
  asInvite(keys: InviteKeys, group: GroupId): Promise<FromRelay> {
    return this.auth(group, 'invite', { pk: keys.invite, sk: keys.sk });
  }
  async enter(group: GroupId, seq: number, entry: Bytes, boxes: readonly AddressedLockbox[] = []): Promise<FromRelay> {
    if (boxes.length > 0) this.tell({ is: 'boxes', group, seq, boxes });
    return this.ask((re) => ({ is: 'enter', re, group, seq, entry }));
  }
  /** What came since, of one kind. */
  of<K extends FromRelay['is']>(is: K): Of<K>[] {
    return this.heard.filter((f): f is Of<K> => f.is === is);
  }
  forget(): void {
    this.heard.splice(1);
  }
}

/** Until microtasks have run. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** A group at Rhea's: its roster as her receipts fold it, its keys, and how far each log has come. */
export class Scene {
  readonly keys = new Map<number, EpochKeys>();
  private readonly pens = new Map<string, Pen>();
  private constructor(readonly rhea: Rhea, readonly group: GroupId, readonly owner: Device, readonly phone: Phone, public state: RosterState) {}

  /** The owner's phone puts a group there and opens its session. */
  static async begin(r: Rhea, owner: Device): Promise<Scene> {
    const made = foundGroup(r.random, owner);
    const phone = new Phone(r.relay, r.random);
    const entered = await phone.ask((re) => ({ is: 'create', re, group: made.group, genesis: made.entry, boxes: made.boxes }));
    if (entered.is !== 'entered') throw new Error(JSON.stringify(entered));
    const state = beginFold(made.group, made.entry, entered.receipt.time);
    if (!state.ok) throw new Error(state.fault);
    const scene = new Scene(r, made.group, owner, phone, state.value);
    scene.keys.set(1, made.keys as EpochKeys);
    await phone.as(owner, made.group);
    return scene;
  }

  get content(): ContentKey {
    return (this.keys.get(currentEpoch(this.state).seq) as EpochKeys).content;
  }
  get now(): EpochKeys {
    return this.keys.get(currentEpoch(this.state).seq) as EpochKeys;
  }
  keyring(): KeyringItem[] {
    return [...this.keys].map(([epoch, k]) => ({ epoch, roster: k.roster, content: k.content }));
  }

  /** Sends an entry; when it is receipted the scene moves on. */
  async enter(by: Phone, made: Made): Promise<FromRelay> {
    const answer = await by.enter(this.group, this.state.seq + 1, made.entry, made.boxes);
    if (answer.is === 'entered') {
      this.state = fold(this.state, made.entry, answer.receipt.time).state;
      if (made.keys !== null) this.keys.set(this.state.seq, made.keys);
    }
    return answer;
  }
  async must(by: Phone, made: Made): Promise<Of<'entered'>> {
    const answer = await this.enter(by, made);
    if (answer.is !== 'entered') throw new Error(answer.is === 'refused' ? `${answer.why} ${answer.detail.words}` : answer.is);
    return answer;
  }

  /** Registers an invite by the owner. */
  async invite(more: { readonly expires?: number } = {}): Promise<InviteKeys> {
    const made = inviteEntry(this.rhea.random, this.state, this.owner, this.now, more);
    await this.must(this.phone, made);
    return made.invite;
  }
  /** A new member, admitted, with a phone in session. */
  async join(): Promise<{ readonly device: Device; readonly phone: Phone }> {
    const device = makeDevice(this.rhea.random);
    const invite = await this.invite();
    await this.must(this.phone, admitEntry(this.rhea.random, this.state, this.owner, invite.invite, newRow(this.group, invite, device), this.keyring()));
    const phone = await this.arrive(device);
    return { device, phone };
  }
  async arrive(device: Device): Promise<Phone> {
    const phone = new Phone(this.rhea.relay, this.rhea.random);
    await phone.as(device, this.group);
    return phone;
  }

  pen(d: Device): Pen {
    const key = hex(d.logPk);
    const there = this.pens.get(key) ?? pen(d);
    this.pens.set(key, there);
    return there;
  }
  heads(): Heads {
    return new Map([...this.pens].map(([k, p]) => [k, { n: p.n, hash: p.prev }]));
  }
  /** The device's next envelope, sealed at the head of the roster. */
  seal(d: Device, words = 'words', more: { readonly rosterSeq?: number; readonly epoch?: number; readonly blobs?: readonly Bytes[] } = {}): Bytes {
    return envelope(this.rhea.random, this.state, this.pen(d), this.content, fromText(words), more);
  }
  /** Seals and sends it; the bytes. */
  async post(by: Phone, d: Device, words?: string): Promise<Bytes> {
    const bytes = this.seal(d, words);
    by.tell({ is: 'append', group: this.group, n: this.pen(d).n, envelope: bytes });
    await settled();
    return bytes;
  }
}
