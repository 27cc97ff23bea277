/** Blobs over HTTP (PROTOCOL §14): `/api/blob/<group>/<id>`, in hex, opened by the bearer of a live session in that group. */
import { type Context, Hono } from 'hono';
import type { BlobId, Bytes } from '../crypto/brand';
import { hex, unhex } from '../crypto/bytes';
import { HASH } from '../crypto/hash';
import { LIMIT } from '../crypto/limits';
import type { Blobs, Chunks } from './blobs';
import { RATE } from './limits';
import { HOUR } from './log-budget';
import { ask } from './log';
import type { Relay } from './relay';
import type { LogSession } from './session';

const STATUS = { 'wrong-hash': 422, 'too-large': 413, unavailable: 503 } as const;

export function blobRoutes(relay: Relay, blobs: Blobs): Hono {
  const app = new Hono();
  /** Uploads under way, by member and by name. */
  const coming = new Map<string, number>();
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });

  app.put('/:group/:id', async (c, next) => {
    const at = place(relay, c);
    if (at === null) return c.text('not allowed', 403);
    const whose = `${at.g} ${at.session.member}`;
    if ((coming.get(whose) ?? 0) >= RATE.uploads) {
      c.header('Retry-After', '5');
      return c.text('too many at once', 429);
    }
    const keys = [whose, nameOf(at)];
    for (const key of keys) coming.set(key, (coming.get(key) ?? 0) + 1);
    try {
      return await next();
    } finally {
      for (const key of keys) if (coming.set(key, (coming.get(key) ?? 0) - 1).get(key) === 0) coming.delete(key);
    }
  });
  app.put('/:group/:id', async (c) => {
    const at = place(relay, c);
    if (at === null) return c.text('not allowed', 403);
    if (Number(c.req.header('content-length') ?? 0) > LIMIT.blob) return c.text('too large', 413);
    const { g, id, session } = at;
    const there = await ask(relay.log, 'blob', { g, id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value !== null) return c.text('there already', 200);
    const spare = await relay.spare(session);
    // whose length is not told is looked at when it has come
    if (!spare.fits(Number(c.req.header('content-length') ?? 1))) return c.text('the group is full', 507);
    const wait = relay.blobs(session).take(relay.clock(), 0);
    if (wait > 0) {
      c.header('Retry-After', String(Math.ceil(wait / 1000)));
      return c.text('too much for now', 429);
    }
    const size = await blobs.put(g, id, chunksOf(c.req.raw.body));
    relay.blobs(session).take(relay.clock(), size.ok ? size.value : LIMIT.blob / 16);
    if (!size.ok) return c.text(size.fault, STATUS[size.fault]);
    // the session may have ended while the bytes came, or others have filled the group
    const isFull = !spare.fits(size.value);
    if (session.gone !== null || isFull) {
      // unless somebody else has brought it, or is about to: those bytes are under that name too
      const now = await ask(relay.log, 'blob', { g, id });
      if (now.ok && now.value === null && coming.get(nameOf(at)) === 1) await blobs.drop(g, id);
      return isFull ? c.text('the group is full', 507) : c.text('not allowed', 403);
    }
    const kept = await ask(relay.log, 'putBlob', { g, id, device: session.device, size: size.value, time: relay.clock() });
    if (!kept.ok) return c.text('unavailable', 503);
    spare.took(size.value);
    return c.text('kept', 201);
  });

  // also answers HEAD
  app.get('/:group/:id', async (c) => {
    const at = place(relay, c);
    if (at === null) return c.text('not allowed', 403);
    // only what can cross to the worker: the session stays here
    const there = await ask(relay.log, 'blob', { g: at.g, id: at.id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value === null) return c.notFound();
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': String(there.value.size), 'Content-Disposition': 'attachment' };
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const chunks = await blobs.get(at.g, at.id);
    return chunks === null ? c.notFound() : c.body(streamOf(chunks), 200, headers);
  });

  app.delete('/:group/:id', async (c) => {
    const at = place(relay, c);
    if (at === null) return c.text('not allowed', 403);
    const { g, id, session } = at;
    const there = await ask(relay.log, 'blob', { g, id });
    if (!there.ok) return c.text('unavailable', 503);
    if (there.value === null) return c.notFound();
    if (there.value.device !== session.device && session.group.state.owner !== session.member) return c.text('not allowed', 403);
    const dropped = await ask(relay.log, 'dropBlob', { g, id });
    if (!dropped.ok) return c.text('unavailable', 503);
    await blobs.drop(g, id);
    return c.body(null, 204);
  });
  return app;
}

/** Forgets what no envelope names any more; the number of blobs that went. */
export async function sweepBlobs(relay: Relay, blobs: Blobs, blobsBefore: number, answersBefore: number): Promise<number> {
  const swept = await ask(relay.log, 'sweep', { blobsBefore, answersBefore, meetingsBefore: relay.clock() - RATE.meet, hourBefore: relay.clock() - HOUR });
  if (!swept.ok) return 0;
  for (const { g, id } of swept.value) await blobs.drop(g, id);
  return swept.value.length;
}

function place(relay: Relay, c: Context): { readonly g: number; readonly id: BlobId; readonly session: LogSession } | null {
  const bearer = /^Bearer ([A-Za-z0-9_-]{43})$/.exec(c.req.header('authorization') ?? '')?.[1];
  const session = bearer === undefined ? null : relay.bearer(bearer);
  const id: Bytes | null = unhex(c.req.param('id') ?? '');
  if (session === null || session.gone !== null || id?.length !== HASH || hex(session.group.id) !== c.req.param('group')) return null;
  return { g: session.group.g, id: id as BlobId, session };
}

const nameOf = ({ g, id }: { readonly g: number; readonly id: BlobId }): string => `${g} ${hex(id)}`;

async function* chunksOf(body: ReadableStream<Uint8Array> | null): Chunks {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function streamOf(chunks: Chunks): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return?.();
    }
  });
}
