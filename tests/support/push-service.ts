/** A push service as RFC 8030 and RFC 8292 describe it, on the loopback address: what it was sent is kept, and it answers as it is told. */
import { createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface Sent { readonly place: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer; readonly raw: string }
export interface PushService {
  readonly origin: string;
  readonly sent: Sent[];
  /** Statuses of the answers to come; 201 once there are none. A number of seconds in `after` goes into Retry-After. */
  readonly answers: { readonly status: number; readonly after?: string; readonly to?: string }[];
  /** An address for a new subscription. */
  place(): string;
  close(): Promise<void>;
}

interface Claims { readonly aud: string; readonly exp: number; readonly sub: string }

/** What a request lacks of a message that a push service takes; null when it is one. */
function faultOf(s: Sent, origin: string, now: number): string | null {
  const { ttl, urgency, topic, authorization = '', 'content-encoding': encoding } = s.headers;
  if (!/^\d+$/.test(String(ttl))) return 'no TTL';
  if (!['very-low', 'low', 'normal', 'high', undefined].includes(urgency as string | undefined)) return 'no urgency';
  if (topic !== undefined && !/^[\w-]{1,32}$/.test(String(topic))) return 'no topic';
  if (s.body.length > 0 && encoding !== 'aes128gcm') return 'a body in the clear';
  const [, t = '', k = ''] = /^vapid t=([\w.-]+), *k=([\w-]+)$/.exec(authorization) ?? [];
  const [head = '', claims = '', signature = ''] = t.split('.');
  const point = Buffer.from(k, 'base64url');
  if (point.length !== 65) return 'no key';
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') } });
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))) return 'forged';
  const { aud, exp, sub } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Claims;
  if (aud !== origin) return 'for another push service';
  if (exp * 1000 < now || exp * 1000 > now + 86_400_000) return 'expired';
  return /^(mailto:|https:)/.test(sub) ? null : 'of nobody';
}

export async function startPushService(now: () => number): Promise<PushService> {
  const sent: Sent[] = [];
  const answers: { status: number; after?: string; to?: string }[] = [];
  let places = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const s: Sent = { place: `${origin}${request.url}`, headers: request.headers, body, raw: `${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n${body.toString('latin1')}` };
      sent.push(s);
      const fault = request.method !== 'POST' || !request.url?.startsWith('/push/') ? 'no place' : faultOf(s, origin, now());
      const { status, after, to } = answers.shift() ?? { status: 201 };
      if (fault !== null) return void response.writeHead(400).end(fault);
      response.writeHead(status, { ...(status === 201 && { location: `${origin}/message/${sent.length}` }), ...(after !== undefined && { 'retry-after': after }), ...(to !== undefined && { location: to }) }).end();
    });
  });
  const port = await new Promise<number>((done) => server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port)));
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin, sent, answers,
    place: () => `${origin}/push/${Buffer.from(`subscription ${++places}`).toString('base64url')}`,
    close: () => new Promise((done) => (server.close(() => done()), server.closeAllConnections()))
  };
}
