/** Invite links, cards, requests and answers (PROTOCOL §13). The link's secret never leaves the link. */
import { box, unbox } from './box';
import type { Bytes, GroupId, Hash, InvitePk, KemPk, LogPk, RelayPk } from './brand';
import { base64url, concat, unbase64url } from './bytes';
import { HASH, hash } from './hash';
import { LABEL } from './labels';
import { LIMIT } from './limits';
import { type KemPair, openFrom, sealTo } from './lockbox';
import { err, type Result } from './result';
import { type NewRow, readNewRow, verifyNewRow, writeNewRow } from './roster/entry';
import type { Random } from './sodium';
import { SIGN_PK, signPair } from './verify';
import { decode, Writer } from './wire';

const LINK_VERSION = 1;
export const INVITE_SECRET = 16;
/** Host and port, nothing that could lead a dialler elsewhere. */
const HOST = /^[a-z0-9._:[\]-]+$/;
const KEY = 32;

export interface InviteLink {
  readonly group: GroupId;
  /** Roster position when the link was made: the relay must show at least this. */
  readonly seq: number;
  readonly chain: Hash;
  readonly relayPk: RelayPk;
  /** Host and port of the relay. */
  readonly host: string;
  /** 16 random bytes. */
  readonly secret: Bytes;
}

/** The fragment of a link: URL-safe text. */
export const encodeLink = (l: InviteLink): string =>
  base64url(new Writer().u8(LINK_VERSION).fixed(l.group).num(l.seq).fixed(l.chain).fixed(l.relayPk).text(l.host).fixed(l.secret).done());

export function decodeLink(fragment: string): Result<InviteLink, 'malformed'> {
  const b = unbase64url(fragment.replace(/^#/, '').trim());
  if (b === null) return err('malformed');
  return decode(b, (r) => {
    if (r.u8() !== LINK_VERSION) r.fail();
    const link = {
      group: r.fixed<GroupId>(HASH), seq: r.num(), chain: r.fixed<Hash>(HASH), relayPk: r.fixed<RelayPk>(SIGN_PK), host: r.text(255), secret: r.fixed(INVITE_SECRET)
    };
    return HOST.test(link.host) ? link : r.fail();
  });
}

/** What a link's secret amounts to in its group. */
export interface InviteKeys { readonly invite: InvitePk; readonly sk: Bytes; readonly cardKey: Bytes }

export function inviteKeys(group: GroupId, secret: Bytes): InviteKeys {
  const pair = signPair(hash(LABEL.inviteSign, secret, group));
  return { invite: pair.pk as InvitePk, sk: pair.sk, cardKey: hash(LABEL.inviteCard, secret, group) };
}

/** Card and answer: padded, sealed under a key of the link, bound to the group and what they are. */
export const sealCard = (k: InviteKeys, group: GroupId, plaintext: Bytes, random: Random): Bytes => box(k.cardKey, concat(LABEL.card, group, k.invite), plaintext, random);
export const openCard = (k: InviteKeys, group: GroupId, sealed: Bytes): Result<Bytes, 'unreadable'> => unbox(k.cardKey, concat(LABEL.card, group, k.invite), sealed);
export const sealAnswer = (answerKey: Bytes, group: GroupId, request: Bytes, plaintext: Bytes, random: Random): Bytes =>
  box(answerKey, concat(LABEL.answer, group, request), plaintext, random);
export const openAnswer = (answerKey: Bytes, group: GroupId, request: Bytes, sealed: Bytes): Result<Bytes, 'unreadable'> =>
  unbox(answerKey, concat(LABEL.answer, group, request), sealed);

/** What a joiner asks with: the row it would have, how it is called, and where to answer. */
export interface JoinRequest {
  readonly row: NewRow;
  /** Display data as UTF-8 JSON (name, role). */
  readonly display: Bytes;
  readonly answerKey: Bytes;
}
/** Rows a request is sealed to at most: all that the owner and the registrant can have. */
export const REQUEST_READERS = 18;
/** One who may open a request: a live row of the owner, the registrant, or a representative. */
export interface RequestReader { readonly logPk: LogPk; readonly kem: KemPk }

/** Seals a request to each reader: list of (log key, key box), then the request under a fresh key. */
export function sealRequest(group: GroupId, invite: InvitePk, readers: readonly RequestReader[], request: JoinRequest, random: Random): Bytes {
  const key = random(KEY);
  const w = new Writer();
  writeNewRow(request.row, w);
  w.bytes(request.display).fixed(request.answerKey);
  const aad = concat(LABEL.request, group, invite);
  return new Writer()
    .list(readers, (r, x) => x.fixed(r.logPk).bytes(sealTo(r.kem, { label: LABEL.requestKey, place: concat(group, invite, r.logPk) }, key, random)))
    .bytes(box(key, aad, w.done(), random))
    .done();
}

/** The request, once the row in it is signed by both keys it names. */
export function openRequest(group: GroupId, invite: InvitePk, reader: { logPk: LogPk; pair: KemPair }, sealed: Bytes): Result<JoinRequest, 'malformed' | 'unreadable'> {
  const outer = decode(sealed, (r) => ({ boxes: r.list(LIMIT.devices, (x) => ({ to: x.fixed<LogPk>(SIGN_PK), box: x.bytes(4096) })), body: r.bytes(LIMIT.request) }));
  if (!outer.ok) return outer;
  const mine = outer.value.boxes.find((b) => b.to.every((v, i) => v === reader.logPk[i]));
  if (mine === undefined) return err('unreadable');
  const key = openFrom(reader.pair, { label: LABEL.requestKey, place: concat(group, invite, reader.logPk) }, mine.box);
  if (!key.ok) return key;
  const body = unbox(key.value, concat(LABEL.request, group, invite), outer.value.body);
  if (!body.ok) return body;
  const request = decode(body.value, (r) => ({ row: readNewRow(r), display: r.bytes(LIMIT.display), answerKey: r.fixed(KEY) }));
  return request.ok && !verifyNewRow(group, invite, request.value.row) ? err('malformed') : request;
}
