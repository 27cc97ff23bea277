/**
 * A page of the feed as bytes: columns of numbers as memory has them, and all texts in one run, of which each post's is a part that is not
 * copied. That reads back many times faster than one object a post. It comes back only from under our own seal, on the device it was made on.
 */
import type { Bytes } from '$crypto/brand';
import { concat, fromText } from '$crypto/bytes';
import type { FeedPost } from './feed';
import { type PhotoRecord, postIdOf, recordIdOf } from './record';

/** What few posts have, or many have alike. */
interface Head {
  readonly count: number;
  /** By column: its numbers are 8 bytes each, or 4. */
  readonly wide: readonly boolean[];
  /** Bytes of ids, of texts of narrow letters, of the other texts. */
  readonly runs: readonly number[];
  readonly who: readonly string[];
  /** By place in the page. */
  readonly photos: Readonly<Record<number, readonly PhotoRecord[]>>;
  readonly replyTo: Readonly<Record<number, string>>;
}

const NONE: readonly PhotoRecord[] = [];
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** The first byte; pages of an earlier build are JSON and begin with a brace. */
const VERSION = 2;
const BRACE = 0x7b;
/** Version, three zeros, length of the head. Everything begins at a multiple of it. */
const START = 8;
const MOST = 0xffff_ffff;
/** How many columns of numbers there are, and runs of texts. */
const COLUMNS = 11;
const RUNS = 3;
/** Letters that take more than a byte in memory: one of them makes a whole run twice as large. */
const BROAD = /[^\0-\xff]/;

const padded = (n: number): number => Math.ceil(n / START) * START;
const isSmall = (v: number): boolean => Number.isInteger(v) && v >= 0 && v <= MOST;

export function encodePage(posts: readonly FeedPost[]): Bytes {
  const who = [...new Set(posts.map((p) => p.member))];
  const ids = posts.map((p) => recordIdOf(p.id));
  const broad = posts.map((p) => BROAD.test(p.text));
  const columns = [
    posts.map((p) => who.indexOf(p.member)), posts.map((p) => p.device), posts.map((p) => p.n), posts.map((p) => p.seq), posts.map((p) => p.epoch), posts.map((p) => p.time),
    posts.map((p) => p.order), posts.map((p) => p.at), ids.map((i) => i.length), posts.map((p) => p.text.length), broad.map(Number)
  ];
  const wide = columns.map((c) => !c.every(isSmall));
  const textOf = (isBroad: boolean): string => posts.map((p, i) => (broad[i] === isBroad ? p.text : '')).join('');
  const runs = [ids.join(''), textOf(false), textOf(true)].map(fromText);
  const head = fromText(JSON.stringify({
    count: posts.length, wide, runs: runs.map((r) => r.length), who,
    photos: Object.fromEntries(posts.flatMap((p, i) => (p.photos.length > 0 ? [[i, p.photos]] : []))),
    replyTo: Object.fromEntries(posts.flatMap((p, i) => (p.replyTo !== null ? [[i, p.replyTo]] : [])))
  } satisfies Head));
  const start = new Uint32Array([VERSION, head.length]);
  const numbers = columns.map((c, i) => new Uint8Array((wide[i] ? Float64Array.from(c) : Uint32Array.from(c)).buffer));
  return concat(...[new Uint8Array(start.buffer), head, ...numbers].flatMap((b) => [b, new Uint8Array(padded(b.length) - b.length)]), ...runs);
}

/** Null for bytes that are no page: a damaged one is rebuilt like any that is missing. */
export function decodePage(bytes: Bytes): FeedPost[] | null {
  try {
    return bytes[0] === BRACE ? decodeEarlier(bytes) : decodeColumns(bytes);
  } catch (e) {
    // no JSON, no such place in the bytes, or something else where a list should be
    if (e instanceof SyntaxError || e instanceof RangeError || e instanceof TypeError) return null;
    throw e;
  }
}

const isText = (v: unknown): v is string => typeof v === 'string';
/** What few posts have is as it should be, of each that has it. */
const isRest = ({ who, photos, replyTo }: Pick<Head, 'who' | 'photos' | 'replyTo'>): boolean => who.every(isText) && Object.values(photos).every(Array.isArray) && Object.values(replyTo).every(isText);

function decodeColumns(bytes: Bytes): FeedPost[] | null {
  if (bytes.length < START) return null;
  const { buffer, byteOffset } = bytes.byteOffset % START === 0 ? bytes : bytes.slice();
  const [version, size] = new Uint32Array(buffer, byteOffset, 2) as unknown as [number, number];
  const head = JSON.parse(utf8.decode(bytes.subarray(START, START + size))) as Head;
  const { count, who, photos, replyTo } = head;
  if (version !== VERSION || !isSmall(count) || head.wide.length !== COLUMNS || head.runs.length !== RUNS || !head.runs.every(isSmall) || !isRest(head)) return null;
  let at = byteOffset + START + padded(size);
  const column = (isWide: boolean): Float64Array | Uint32Array => {
    const c = isWide ? new Float64Array(buffer, at, count) : new Uint32Array(buffer, at, count);
    at += padded(c.byteLength);
    return c;
  };
  const [by, device, n, seq, epoch, time, order, said, idSize, textSize, broad] = head.wide.map(column) as Float64Array[];
  if (at + head.runs.reduce((sum, length) => sum + length, 0) !== byteOffset + bytes.length) return null;
  const [ids, narrowText, broadText] = head.runs.map((length) => {
    at += length;
    return utf8.decode(new Uint8Array(buffer, at - length, length));
  }) as [string, string, string];
  if (ids.includes('.') || BROAD.test(narrowText)) return null;
  let id = 0;
  let narrow = 0;
  let wide = 0;
  // a plain loop: after opening nothing is compiled yet, and this runs once for every post
  const posts: FeedPost[] = [];
  for (let i = 0; i < count; i++) {
    const member = who[by![i]!];
    const letters = textSize![i]!;
    const idLetters = idSize![i]!;
    if (member === undefined || !isSmall(letters) || !isSmall(idLetters)) return null;
    posts.push({
      member, id: postIdOf(ids.slice(id, (id += idLetters)), member), order: order![i]!, device: device![i]!, n: n![i]!, seq: seq![i]!, time: time![i]!, epoch: epoch![i]!,
      at: said![i]!, text: broad![i] === 0 ? narrowText.slice(narrow, (narrow += letters)) : broadText.slice(wide, (wide += letters)), photos: photos[i] ?? NONE, replyTo: replyTo[i] ?? null
    });
  }
  return id === ids.length && narrow === narrowText.length && wide === broadText.length ? posts : null;
}

/** As an earlier build wrote it: columns of JSON. Written anew in the present form when it changes. */
function decodeEarlier(bytes: Bytes): FeedPost[] | null {
  type Column<K extends keyof FeedPost> = readonly FeedPost[K][];
  const { who, by, photos, replyTo, ...of } = JSON.parse(utf8.decode(bytes)) as Pick<Head, 'who' | 'photos' | 'replyTo'> & { readonly by: readonly number[] } & { readonly [K in 'id' | 'order' | 'device' | 'n' | 'seq' | 'time' | 'epoch' | 'at' | 'text']: Column<K> };
  if (!isRest({ who, photos, replyTo })) return null;
  const posts = of.id.map((id, i) => {
    const member = who[by[i]!]!;
    return {
      member, id: postIdOf(id, member), order: of.order[i]!, device: of.device[i]!, n: of.n[i]!, seq: of.seq[i]!, time: of.time[i]!, epoch: of.epoch[i]!,
      at: of.at[i]!, text: of.text[i]!, photos: photos[i] ?? NONE, replyTo: replyTo[i] ?? null
    };
  });
  const isPost = (p: FeedPost, i: number): boolean => isText(p.member) && isText(of.id[i]) && !p.id.slice(0, -p.member.length - 1).includes('.') && isText(p.text) && [p.order, p.device, p.n, p.seq, p.time, p.epoch, p.at].every((v) => typeof v === 'number');
  return posts.every(isPost) ? posts : null;
}
