/** Blobs over HTTP (PROTOCOL §14): `/api/blob/<group>/<id>`, in hex, opened by a bearer of that group. */
import { type Context, Hono } from 'hono';
import type { BlobId, Bytes, GroupId } from '../crypto/brand';
import { unbase64url, unhex } from '../crypto/bytes';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import type { Opened } from './bearers';
import { dropAll } from './blob-strays';
import type { Blobs, Chunks } from './blobs';
import { RATE } from './limits';
import { HOUR } from './log-budget';
import { ask } from './log';
import type { Relay } from './relay';

const STATUS = { 'wrong-hash': 422, 'too-large': 413, full: 507, unavailable: 503 } as const;
/** By which a device tells it from a full group. */
const FULL = 'the relay is full';

interface Placed { readonly g: number; readonly id: BlobId; readonly by: Opened }
const REFUSED = { 403: 'not allowed', 503: 'unavailable' } as const;

export function blobRoutes(relay: Relay, blobs: Blobs): Hono {
  const app = new Hono();
  /** Uploads under way, by member, and downloads, by device. */
  const coming = new Map<string, number>();
  const going = new Map<string, number>();
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });

  app.put('/:group/:id', async (c) => {
    const at = await place(relay, c);
    if (typeof at === 'number') return c.text(REFUSED[at], at);
    const whose = `${at.g} ${at.by.member}`;
    if ((coming.get(whose) ?? 0) >= RATE.uploads) return tooMany(c);
    const end = begin(coming, whose);
    const body = c.req.raw.body?.getReader();
    try {
      const answer = await take(c, at, body);
      // who is still sending hears it only when nothing of that is left unread
      await passOver(body);
      return answer;
    } finally {
      end();
    }
  });
  async function take(c: Context, at: Placed, body: Body): Promise<Response> {
    if (Number(c.req.header('content-length') ?? 0) > LIMIT.blob) return c.text('too large', 413);
    const { g, id, by } = at;
    const there = await ask(relay.log, 'blob', { g, id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value !== null) return c.text('there already', 200);
    const spare = await relay.spare(by);
    // whose length is not told is looked at when it has come
    if (!spare.fits(Number(c.req.header('content-length') ?? 1))) return c.text('the group is full', 507);
    const wait = await relay.pace(by);
    if (wait === 'unavailable') return c.text('unavailable', 503);
    if (wait > 0) {
      c.header('Retry-After', String(Math.ceil(wait / 1000)));
      return c.text('too much for now', 429);
    }
    const size = await blobs.put(g, id, chunksOf(body));
    // that there is no room, or no answer, is nobody's fault
    const isCharged = await relay.charge(by, size.ok ? size.value : size.fault === 'full' || size.fault === 'unavailable' ? 0 : LIMIT.blob / 16);
    if (!size.ok) return c.text(size.fault === 'full' ? FULL : size.fault, STATUS[size.fault]);
    // the row may have ended while the bytes came, or others have filled the group
    const isLive = isCharged ? await by.isLive() : 'unavailable';
    if (isLive === 'unavailable') return c.text('unavailable', 503);
    const isFull = !spare.fits(size.value);
    if (!isLive || isFull) {
      // unless somebody else has brought it: those bytes are under that name too
      const time = relay.clock();
      const strays = await ask(relay.log, 'strays', { blobs: [{ g, id }], time });
      if (strays.ok) await dropAll(relay, blobs, strays.value, time);
      return isFull ? c.text('the group is full', 507) : c.text('not allowed', 403);
    }
    const kept = await ask(relay.log, 'putBlob', { g, id, device: by.device, size: size.value, time: relay.clock() });
    if (kept.ok && kept.value === 'going') c.header('Retry-After', String(RATE.blobGoing / 1000));
    if (!kept.ok && kept.fault === 'full') return c.text(FULL, 507);
    if (!kept.ok || kept.value === 'going') return c.text('unavailable', 503);
    spare.took(size.value);
    return c.text('kept', 201);
  }

  // also answers HEAD
  app.get('/:group/:id', async (c) => {
    const at = await place(relay, c);
    if (typeof at === 'number') return c.text(REFUSED[at], at);
    // only what can cross to the worker
    const there = await ask(relay.log, 'blob', { g: at.g, id: at.id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value === null) return c.notFound();
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(there.value.size), 'Content-Disposition': 'attachment' };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const whose = `${at.g} ${at.by.device}`;
    if ((going.get(whose) ?? 0) >= RATE.downloads) return tooMany(c);
    const end = begin(going, whose);
    const chunks = await blobs.get(at.g, at.id).catch((e: unknown) => (end(), Promise.reject(e)));
    if (chunks !== null) return c.body(streamOf(chunks, end), 200, headers);
    end();
    return c.notFound();
  });

  app.delete('/:group/:id', async (c) => {
    const at = await place(relay, c);
    if (typeof at === 'number') return c.text(REFUSED[at], at);
    const { g, id, by } = at;
    const there = await ask(relay.log, 'blob', { g, id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value === null) return c.notFound();
    if (there.value.device !== by.device && by.group.state.owner !== by.member) return c.text('not allowed', 403);
    const time = relay.clock();
    const dropped = await ask(relay.log, 'dropBlob', { g, id, time });
    if (!dropped.ok) return c.text('unavailable', 503);
    await dropAll(relay, blobs, [{ g, id }], time);
    return c.body(null, 204);
  });
  return app;
}

/** Forgets what no envelope names any more; the number of blobs that went. */
export async function sweepBlobs(relay: Relay, blobs: Blobs, blobsBefore: number, answersBefore: number): Promise<number> {
  const time = relay.clock();
  const swept = await ask(relay.log, 'sweep', { blobsBefore, answersBefore, meetingsBefore: time - RATE.meet, hourBefore: time - HOUR, time });
  return swept.ok ? dropAll(relay, blobs, swept.value, time) : 0;
}

/** Which blob of which group, and by whom; or why not. */
async function place(relay: Relay, c: Context): Promise<Placed | keyof typeof REFUSED> {
  const text = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(c.req.header('authorization') ?? '')?.[1];
  const bearer = text === undefined ? null : unbase64url(text);
  const [id, group] = [unhex(c.req.param('id') ?? ''), unhex(c.req.param('group') ?? '')];
  if (bearer === null || id?.length !== HASH || group?.length !== HASH) return 403;
  const by = await relay.opens(bearer, group as Bytes as GroupId);
  if (by === null) return 403;
  return by === 'unavailable' ? 503 : { g: by.group.g, id: id as BlobId, by };
}

function tooMany(c: Context): Response {
  c.header('Retry-After', '5');
  return c.text('too many at once', 429);
}
/** Counts one more under way; what comes back takes it off, once. */
function begin(under: Map<string, number>, key: string): () => void {
  under.set(key, (under.get(key) ?? 0) + 1);
  let left = false;
  return () => {
    if (left) return;
    left = true;
    const others = (under.get(key) ?? 0) - 1;
    if (others > 0) under.set(key, others);
    else under.delete(key);
  };
}

type Body = ReadableStreamDefaultReader<Uint8Array> | undefined;
/** What comes, and stays unread when nobody wants more of it. */
async function* chunksOf(body: Body): Chunks {
  for (;;) {
    const next = await body?.read();
    if (next === undefined || next.done) return;
    yield next.value;
  }
}
/** Reads what is left of an attachment, and no more than one can be. */
async function passOver(body: Body): Promise<void> {
  try {
    let size = 0;
    for await (const chunk of chunksOf(body)) if ((size += chunk.length) > LIMIT.blob) break;
    await body?.cancel();
  } catch {
    // it has gone
  }
}

/** `end` hears that nothing more of it goes out, whichever way it ended. */
function streamOf(chunks: Chunks, end: () => void): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      // who serves it writes a fault down: it names nothing
      const next = await iterator.next().catch(() => (end(), Promise.reject(new Error('unavailable'))));
      if (next.done !== true) return controller.enqueue(next.value);
      end();
      controller.close();
    },
    async cancel() {
      end();
      await iterator.return?.();
    }
  });
}
