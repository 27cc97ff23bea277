/** Records (PROTOCOL §15): immutable plain JSON with an id; an edit, a retraction or a seen-mark is a new record that cites another. */
import * as v from 'valibot';
import { base64url, unbase64url } from '$crypto/bytes';
import type { Random } from '$crypto/sodium';

/** 16 bytes as URL-safe base64: random ones, and where the record is said. */
const id = v.pipe(v.string(), v.length(22), v.check((s) => unbase64url(s)?.length === 16));
/** A post as others name it: its record id and its author's tag in hex. */
const postId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{21}[AQgw]\.[0-9a-f]{32}$/));
const bytes32 = v.pipe(v.string(), v.length(43), v.check((s) => unbase64url(s)?.length === 32));
const time = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

export const TEXT_MOST = 20_000;
/** Letters of a draft that is kept: it may have to be shortened, and nothing of it is lost until then. */
export const DRAFT_MOST = 200_000;
export const PHOTOS_MOST = 10;
const text = v.pipe(v.string(), v.maxLength(TEXT_MOST));

/** How to fetch, open and check one blob: id, key, plaintext hash (base64url), size in bytes. */
const blob = v.strictObject({ b: bytes32, k: bytes32, h: bytes32, s: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) });
const side = v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(16_384));
const photo = v.strictObject({ full: blob, thumb: blob, w: side, h: side, t: v.picklist(['image/jpeg', 'image/webp']) });

const post = v.strictObject({ i: id, t: v.literal('post'), a: time, x: text, p: v.optional(v.pipe(v.array(photo), v.maxLength(PHOTOS_MOST))), r: v.optional(postId) });
const edit = v.strictObject({ i: id, t: v.literal('edit'), a: time, o: id, x: text });
/** The same for those alone who can read the post: `s` the words, sealed (PROTOCOL §15.4). */
const sealedEdit = v.strictObject({ i: id, t: v.literal('sealed-edit'), a: time, o: id, s: v.pipe(v.string(), v.maxLength(60_000), v.check((s) => unbase64url(s) !== null)) });
/** Bytes of new words; sealed by themselves they still fit an envelope. */
export const EDIT_MOST = 43_000;
const retract = v.strictObject({ i: id, t: v.literal('retract'), a: time, o: id });
/** Envelopes whose posts were on this person's screen: [device, from n, to n]. */
const seen = v.strictObject({ i: id, t: v.literal('seen'), a: time, m: v.pipe(v.array(v.strictTuple([count, count, count])), v.minLength(1), v.maxLength(500)) });
/** Edits whose words were on this person's screen: [post, the edit's record id]. A mark in `seen` never speaks for them. */
export const SEEN_EDITS_MOST = 200;
const seenEdits = v.strictObject({ i: id, t: v.literal('seen-edits'), a: time, e: v.pipe(v.array(v.strictTuple([postId, id])), v.minLength(1), v.maxLength(SEEN_EDITS_MOST)) });

/** Who writes this log, sealed for the devices of the same person (PROTOCOL §15.5). */
const device = v.strictObject({ i: id, t: v.literal('device'), a: time, s: v.pipe(v.string(), v.maxLength(900), v.check((s) => unbase64url(s) !== null)) });

/** Who this member is: a person's key, and its signature over group and member (PROTOCOL §15.6). */
const bytes64 = v.pipe(v.string(), v.length(86), v.check((s) => unbase64url(s)?.length === 64));
const person = v.strictObject({ i: id, t: v.literal('person'), a: time, k: bytes32, s: bytes64 });

/** What organisations vouch for of this member, all of it anew each time: credentials as bytes (PROTOCOL §15.8). */
export const CREDENTIALS_MOST = 4;
const credential = v.pipe(v.string(), v.maxLength(2_400), v.check((s) => unbase64url(s) !== null));
const credentials = v.strictObject({ i: id, t: v.literal('credentials'), a: time, c: v.pipe(v.array(credential), v.maxLength(CREDENTIALS_MOST)) });

/** A word between devices of one person about a group that came later, sealed (PROTOCOL §15.7). */
const share = v.strictObject({ i: id, t: v.literal('share'), a: time, s: v.pipe(v.string(), v.maxLength(12_000), v.check((s) => unbase64url(s) !== null)) });

/** What the maker of this group brought along from one that ended: blobs that an envelope has to name, and, sealed, what they are (PROTOCOL §15.9). */
export const CARRIED_BLOBS = 24;
const carried = v.strictObject({
  i: id, t: v.literal('carried'), a: time, b: v.pipe(v.array(bytes32), v.maxLength(CARRIED_BLOBS)), s: v.optional(v.pipe(v.string(), v.maxLength(45_000), v.check((s) => unbase64url(s) !== null)))
});

const record = v.variant('t', [post, edit, sealedEdit, retract, seen, seenEdits, device, person, credentials, share, carried]);

/** By this an index of another version is known: how many kinds of records there are, and one more for each change of what counts. */
export const KINDS = record.options.length + 2;

export type CareRecord = v.InferOutput<typeof record>;
export type PostRecord = v.InferOutput<typeof post>;
export type EditRecord = v.InferOutput<typeof edit>;
/** A record as it is read: what was sealed by itself is open. */
export type OpenRecord = Exclude<CareRecord, v.InferOutput<typeof sealedEdit>>;
export type PersonRecord = v.InferOutput<typeof person>;
export type CarriedRecord = v.InferOutput<typeof carried>;
export type SeenRecord = v.InferOutput<typeof seen>;
export type PhotoRecord = v.InferOutput<typeof photo>;
export type BlobRecord = v.InferOutput<typeof blob>;

/** A record, or null for anything that is not one (an unknown kind from a newer version is passed over, never an error). */
export function parseRecord(x: unknown): CareRecord | null {
  const parsed = v.safeParse(record, x);
  return parsed.success ? parsed.output : null;
}

/** Record ids are chosen by who writes: a post's name holds its author, so that nobody can take another's. */
export const postIdOf = (i: string, member: string): string => `${i}.${member}`;
export const recordIdOf = (post: string): string => post.slice(0, post.indexOf('.'));

/** Where a record is said: only what a device says in an epoch can have an id of both, so that none is used again where others read (PROTOCOL §15.4). */
export interface SaidAt { readonly device: number; readonly epoch: number }
/** Letters of an id before the device, and before the epoch. */
const [DEVICE_FROM, EPOCH_FROM] = [12, 16];
function endOf({ device, epoch }: SaidAt): string {
  const end = new DataView(new ArrayBuffer(8));
  end.setUint32(0, device);
  end.setUint32(4, epoch);
  return base64url(new Uint8Array(end.buffer, 1));
}
/** What all ids of one record share, wherever it was to be said. */
export const randomOf = (i: string): string => i.slice(0, DEVICE_FROM);
/** The id of a record that is said elsewhere after all. */
export const idAt = (i: string, at: SaidAt): string => randomOf(i) + endOf(at);
export const newId = (at: SaidAt, random: Random): string => idAt(base64url(random(16)), at);
export const isIdAt = (i: string, at: SaidAt): boolean => i.endsWith(endOf(at));
export const epochOf = (i: string): number => {
  const b = unbase64url(i.slice(EPOCH_FROM)) as Uint8Array;
  return new DataView(b.buffer, b.byteOffset).getUint32(0);
};

/** Whether a record may stand where it does: under an id of there, and naming nothing of a later epoch. So who reads a post reads all that is ever said of it. */
export const isSaidAt = (r: CareRecord, at: SaidAt): boolean => isIdAt(r.i, at) && namedBy(r).every((i) => epochOf(i) <= at.epoch);
function namedBy(r: CareRecord): readonly string[] {
  if (r.t === 'edit' || r.t === 'sealed-edit' || r.t === 'retract') return [r.o];
  if (r.t === 'post') return r.r === undefined ? [] : [recordIdOf(r.r)];
  return r.t === 'seen-edits' ? r.e.flatMap(([post, edit]) => [recordIdOf(post), edit]) : [];
}

/** The blobs a record refers to. */
export const blobsOf = (r: CareRecord): BlobRecord[] => (r.t === 'post' ? (r.p ?? []).flatMap((p) => [p.thumb, p.full]) : []);
/** Ids of the blobs that an envelope with this record names. */
export const blobIdsOf = (r: CareRecord): readonly string[] => (r.t === 'carried' ? r.b : blobsOf(r).map((b) => b.b));
