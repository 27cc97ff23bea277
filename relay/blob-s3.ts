/**
 * Blobs in an S3-compatible store, `xx/<group>.<id>`. What comes is hashed into a file first, so that nothing half or wrong is ever put
 * there; a name stands for its content, so writing one twice changes nothing even where `If-None-Match` is not known.
 */
import { AwsV4Signer } from 'aws4fetch';
import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { pipeline } from 'node:stream/promises';
import type { BlobId } from '../crypto/brand';
import { hex } from '../crypto/bytes';
import { err, ok } from '../crypto/result';
import { blobComing, type Whole } from './blob-coming';
import { type Blobs, placedAs } from './blobs';
import { RATE } from './limits';

/** Milliseconds in which nothing moves on a line to the store: until it answers, and while somebody reads what it answers with. */
interface Patience { readonly answer: number; readonly stalled: number }
const PATIENCE: Patience = { answer: 60_000, stalled: RATE.stalled };

export interface S3 {
  /** Address of the bucket, such as `https://s3.example.org/carefold`. */
  readonly url: string;
  readonly key: string;
  readonly secret: string;
  readonly region: string;
  readonly patience?: Patience;
}

/** What was asked for is not there because its bucket is not. */
export class NoBucket extends Error {
  constructor() {
    super('there is no such bucket');
  }
}

/** Names told at a time. */
const AT_ONCE = 500;

/** `coming`: a folder of this relay's own, for what is on its way; what an interrupted upload left there goes. */
export async function blobS3(s3: S3, coming: string): Promise<Blobs> {
  const come = await blobComing(coming);
  const place = (g: number, id: BlobId): string => `${s3.url.replace(/\/$/, '')}/${hex(id).slice(0, 2)}/${g}.${hex(id)}`;

  return {
    put(g, id, chunks) {
      return come(id, chunks, async (whole) => {
        const answer = await ask(s3, 'PUT', place(g, id), whole);
        answer.resume();
        // 412: it is there already
        return answer.statusCode === 200 || answer.statusCode === 412 ? ok(whole.size) : err('unavailable');
      });
    },
    async get(g, id) {
      const answer = await ask(s3, 'GET', place(g, id));
      if (answer.statusCode === 200) return answer.setTimeout((s3.patience ?? PATIENCE).stalled);
      if (answer.statusCode === 404) {
        if (isOfBucket(await text(answer))) throw new NoBucket();
        return null;
      }
      answer.resume();
      throw new Error('the blob store did not answer');
    },
    async drop(g, id) {
      const answer = await ask(s3, 'DELETE', place(g, id)).catch(() => null);
      const said = await text(answer).catch(() => null);
      return said !== null && ((answer?.statusCode === 404 && !isOfBucket(said)) || Math.floor((answer?.statusCode ?? 0) / 100) === 2);
    },
    async *old(part, before) {
      const prefix = `${part.toString(16).padStart(2, '0')}/`;
      for (let marker = '', more = true; more; ) {
        const query = new URLSearchParams({ prefix, marker, 'max-keys': String(AT_ONCE) }).toString();
        const answer = await ask(s3, 'GET', `${s3.url.replace(/\/$/, '')}/?${query}`).catch(() => null);
        const list = await text(answer).catch(() => '');
        if (answer?.statusCode !== 200) return;
        const found = [...list.matchAll(/<Contents>.*?<\/Contents>/gs)].map(([object]) => ({ key: tagged(object, 'Key'), at: Date.parse(tagged(object, 'LastModified')) }));
        yield found.flatMap(({ key, at }) => (at < before ? (placedAs(key.slice(prefix.length)) ?? []) : []));
        marker = found.at(-1)?.key ?? '';
        more = marker !== '' && tagged(list, 'IsTruncated') === 'true';
      }
    }
  };
}

/** What stands in an element of an answer; names that we gave have nothing in them that XML would write otherwise. */
const tagged = (xml: string, name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? '';

/** Whether what was not found is the bucket itself. */
const isOfBucket = (xml: string): boolean => tagged(xml, 'Code') === 'NoSuchBucket';

async function text(answer: IncomingMessage | null): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of answer ?? []) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

/** Signs and sends one request, with `body` if there is one; answers once headers came back. */
async function ask(s3: S3, method: 'GET' | 'PUT' | 'DELETE', url: string, body?: Whole): Promise<IncomingMessage> {
  const headers: Record<string, string> = body === undefined ? {} : { 'if-none-match': '*', 'content-type': 'application/octet-stream' };
  const signer = new AwsV4Signer({ method, url, headers, accessKeyId: s3.key, secretAccessKey: s3.secret, region: s3.region, service: 's3' });
  const signed = await signer.sign();
  const all = Object.fromEntries(signed.headers.entries());
  if (body !== undefined) all['content-length'] = String(body.size);
  const send = signed.url.protocol === 'https:' ? requestSecure : requestPlain;
  return new Promise((done, fail) => {
    const asking = send(signed.url, { method, headers: all, timeout: (s3.patience ?? PATIENCE).answer }, done);
    asking.on('timeout', () => asking.destroy(new Error('the blob store did not answer')));
    asking.on('error', fail);
    if (body === undefined) asking.end();
    else pipeline(body.file.createReadStream({ start: 0 }), asking).catch(fail);
  });
}
