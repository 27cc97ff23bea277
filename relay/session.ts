/** One connection and the sessions it opened: a proven key in one group each. */
import type { Bytes, GroupId, Hex, InvitePk, LogPk, MeetId, MemberTag, VaultId } from '../crypto/brand';
import { equal, hex } from '../crypto/bytes';
import { encodeFromRelay, type FromRelay, NO_DETAIL, type Refusal, type RefusalDetail } from '../crypto/frames';
import { encodePage, encodePageHead, type Page } from '../crypto/packed';
import type { Bucket } from './limits';
import type { Group } from './group';

export interface LogSession {
  readonly as: 'log';
  readonly connection: Connection;
  readonly group: Group;
  readonly logPk: LogPk;
  readonly key: Hex<LogPk>;
  readonly device: number;
  readonly member: Hex<MemberTag>;
  /** Opens blobs over HTTP (PROTOCOL §11.1); base64url. */
  readonly bearer: string;
  /** Shared by all connections of the log key. */
  readonly pace: Bucket;
  /** Bytes of envelopes, shared by all devices of the member. */
  readonly volume: Bucket;
  /** Roster seq that ended the row; null while it is live. */
  gone: number | null;
  /** Said on this connection where it is to be pushed to. */
  bell: boolean;
  staged: Staged | null;
}
export interface InviteSession {
  readonly as: 'invite';
  readonly connection: Connection;
  readonly group: Group;
  readonly invite: InvitePk;
  /** Requests that it left or asked about, by hex of their ids. */
  readonly asked: Map<string, Bytes>;
  /** No row of its own ends. */
  readonly gone: null;
  staged: Staged | null;
}
/** Lockboxes for the entry at `seq`, by hex of the log key. */
export interface Staged { readonly seq: number; readonly boxes: Map<string, Bytes>; bytes: number }

export class Connection {
  readonly logs = new Map<Hex<GroupId>, LogSession>();
  // most connections need none of these: ten thousand of them would be some megabytes
  private ownInvites: Map<Hex<GroupId>, InviteSession> | undefined;
  private ownVaults: Map<Hex<GroupId>, VaultId> | undefined;
  private ownMeets: Map<Hex<GroupId>, MeetId> | undefined;
  /** Proofs that were tried, so that none counts twice. */
  readonly tried = new Set<string>();
  isOpen = true;
  /** Whether a key was proven, or a group put there. */
  proven = false;
  /** Milliseconds that the frame being answered should cost. */
  wait = 0;
  /** Bytes of envelopes that are not answered yet. */
  coming = 0;
  creates = 0;
  /** Answers that are being read for it, and what waits until there are fewer (`reading.ts`). */
  reading = 0;
  toRead: (() => void)[] | undefined;
  /** Personal vaults and meetings that it began. */
  begun = 0;
  /** Frames that made no sense, and proofs that did not hold. */
  malformed = 0;
  private latest: LogSession | undefined;

  constructor(
    /** Host and port as the device dialled them, lower case. */
    readonly host: string,
    /** What `hello` offered to be signed. */
    readonly nonce: Bytes,
    private readonly out: (frame: Bytes) => void,
    /** The address it came from, for what is limited by address. */
    readonly from: string | null,
    private readonly count: (why: Refusal) => void,
    /** When it came, milliseconds since 1970. */
    readonly since: number,
    /** Ends it from this side. */
    readonly end: () => void = () => undefined,
    /** Takes a frame in two parts, where that is dearer to lay together than to send. */
    private readonly outParts?: (head: Bytes, rest: Bytes) => void
  ) {}

  get invites(): Map<Hex<GroupId>, InviteSession> {
    return (this.ownInvites ??= new Map());
  }
  get vaults(): Map<Hex<GroupId>, VaultId> {
    return (this.ownVaults ??= new Map());
  }
  get meets(): Map<Hex<GroupId>, MeetId> {
    return (this.ownMeets ??= new Map());
  }
  /** The session that this connection opened in a group; most ask again and again for one. */
  session(group: GroupId): LogSession | undefined {
    if (this.latest === undefined || !equal(this.latest.group.id, group)) this.latest = this.logs.get(hex(group));
    return this.latest;
  }
  opened(s: LogSession): void {
    this.logs.set(s.group.key, s);
    this.latest = undefined;
  }
  send(f: FromRelay): void {
    this.write(encodeFromRelay(f));
  }
  write(frame: Bytes): void {
    if (this.isOpen) this.out(frame);
  }
  writePage(p: Page): void {
    if (!this.isOpen) return;
    if (this.outParts === undefined) this.out(encodePage(p));
    else this.outParts(encodePageHead(p), p.items.bytes);
  }
  refuse(re: number, group: GroupId, why: Refusal, detail: Partial<RefusalDetail> = {}): void {
    this.count(why);
    this.send({ is: 'refused', re, group, why, detail: { ...NO_DETAIL, ...detail } });
  }
}
