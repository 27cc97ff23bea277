import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Hono } from 'hono';
import { ready } from '../../../crypto/sodium';
import { createApp } from '../../../relay/app';
import { memoryBlobs } from '../../../relay/blobs';
import { configOf } from '../../../relay/config';
import { allowedHosts } from '../../../relay/hosts';
import { rhea } from './phone';

let app: Hono;
let folder: string;

beforeAll(async () => {
  await ready();
  folder = mkdtempSync(join(tmpdir(), 'carefold-app-'));
  mkdirSync(join(folder, '_app/immutable'), { recursive: true });
  const page = `<!doctype html><meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self'"><title>Carefold</title>`;
  writeFileSync(join(folder, 'index.html'), page);
  writeFileSync(join(folder, '_app/immutable/a.js'), 'export {}');
  writeFileSync(join(folder, 'service-worker.js'), '');
  app = createApp(rhea('app').relay, memoryBlobs(), folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the app as the relay serves it', () => {
  it('comes with the page’s own policy as a header on every answer, and may be framed by nobody', async () => {
    for (const path of ['/', '/group/1', '/_app/immutable/a.js', '/service-worker.js', '/healthz', '/_app/none.js', '/api/blob/a/b'])
      expect((await app.request(path)).headers.get('content-security-policy'), path).toBe("default-src 'none'; script-src 'self'; frame-ancestors 'none'");
  });

  it('answers every path of the app with the page, but a missing asset with 404', async () => {
    const deep = await app.request('/group/abc');
    expect([deep.status, await deep.text()]).toEqual([200, expect.stringContaining('Carefold')]);
    for (const path of ['/_app/immutable/none.js', '/_app/version.json', '/api/none']) expect((await app.request(path)).status, path).toBe(404);
  });

  it('is kept for ever only where a name stands for its bytes', async () => {
    const cache = async (path: string) => (await app.request(path)).headers.get('cache-control');
    expect(await cache('/_app/immutable/a.js')).toBe('public, max-age=31536000, immutable');
    expect(await cache('/_app/immutable/none.js')).toBeNull();
    expect(await cache('/service-worker.js')).toBe('no-cache');
    expect(await cache('/')).toBe('no-cache');
    expect(await cache('/group/abc')).toBe('no-cache');
  });

  it('says that it is well', async () => {
    const answer = await app.request('/healthz');
    expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
  });
});

describe('the hosts a relay answers to', () => {
  it('are loopback names when it listens there, and its public name', () => {
    const hosts = allowedHosts({ host: '127.0.0.1', publicUrl: 'https://care.example', origins: [] });
    for (const host of ['localhost:8787', '127.0.0.1:1', '[::1]:8787', 'care.example']) expect(hosts.allows(host, '127.0.0.1'), host).toBe(true);
    for (const host of ['evil.example', 'care.example:444', 'care.example.evil.example', '10.0.0.5:8787', '', 'a/b', 'x@localhost']) expect(hosts.allows(host, '127.0.0.1'), host).toBe(false);
  });

  it('are the address a connection came in at when it listens on a network', () => {
    const hosts = allowedHosts({ host: '0.0.0.0', publicUrl: null, origins: [] });
    expect(hosts.allows('192.168.1.5:8787', '::ffff:192.168.1.5')).toBe(true);
    expect(hosts.allows('192.168.1.6:8787', '192.168.1.5')).toBe(false);
    expect(hosts.allows('evil.example', '192.168.1.5')).toBe(false);
  });
});

describe('settings', () => {
  it('have a default each, and a wrong one is told in a line', () => {
    expect(configOf({})).toMatchObject({ ok: true, value: { port: 8787, host: '127.0.0.1', app: './build', publicUrl: null, proxies: [] } });
    expect(configOf({ CAREFOLD_PROXIES: '10.0.0.5,10.1.0.0/16, fd00:1::/64' })).toMatchObject({ ok: true, value: { proxies: ['10.0.0.5', '10.1.0.0/16', 'fd00:1::/64'] } });
    for (const env of [{ PORT: 'x' }, { PORT: '70000' }, { CAREFOLD_PUBLIC: 'care' }, { CAREFOLD_ORIGIN: 'https://a.example/path' }, { CAREFOLD_PACE: '-1' }, { CAREFOLD_POSTGRES: 'postgres://db/care' }, { CAREFOLD_NATS: 'nats://hints:4222' }, { CAREFOLD_METRICS: '9464' }, { CAREFOLD_METRICS: '127.0.0.1:99999' }, { CAREFOLD_FROM: '0x10' }, { PORT: '1e3' }, { CAREFOLD_GROUPS: 'closed' }, { CAREFOLD_PROXIES: '10.0.0.5, caddy' }])
      expect(configOf(env).ok, JSON.stringify(env)).toBe(false);
    // blank is as nothing said
    expect(configOf({ PORT: ' ', HOST: '\t', CAREFOLD_PACE: ' ', CAREFOLD_FROM: ' 50 ', CAREFOLD_DATA: ' ' })).toMatchObject({ ok: true, value: { port: 8787, host: '127.0.0.1', pace: 1000, from: 50, folder: resolve('./data') } });
  });

  it('have names that are known, and one in the environment that is none is told', () => {
    expect(configOf({ CAREFOLD_GROUP: 'permit' })).toEqual({ ok: false, fault: 'CAREFOLD_GROUP is no setting.' });
    // what a container runtime says of services
    const services = { CAREFOLD_SERVICE_HOST: '10.0.0.1', CAREFOLD_SERVICE_PORT: '8787', CAREFOLD_SERVICE_PORT_HTTP: '8787', CAREFOLD_PORT: 'tcp://10.0.0.1:8787', CAREFOLD_NATS_PORT_4222_TCP_ADDR: '10.0.0.2' };
    expect(configOf(services)).toMatchObject({ ok: true, value: { port: 8787, nats: [] } });
    expect(configOf({ CAREFOLD_POSTGRESQL: 'postgres://db/care' })).toEqual({ ok: false, fault: 'CAREFOLD_POSTGRESQL is no setting.' });
    // what the Caddyfile reads may stand in the same environment
    expect(configOf({ CAREFOLD_HOST: 'care.example.org', GROUPS: 'permit', CAREFOLD_CONFIG: '' })).toMatchObject({ ok: true });
  });

  it('name servers for hints that all take one name, one password, and TLS or none', () => {
    const hints = (nats: string): ReturnType<typeof configOf> => configOf({ CAREFOLD_POSTGRES: 'postgres://db/care', CAREFOLD_S3: 'https://s3.example.org/care', CAREFOLD_S3_KEY: 'k', CAREFOLD_S3_SECRET: 's', CAREFOLD_NATS: nats });
    for (const nats of ['nats://10.0.0.31:4222 nats://b', 'tls://u:p%40ss@a tls://u:p%40ss@b:4223']) expect(hints(nats)).toMatchObject({ ok: true, value: { nats: nats.split(' ') } });
    for (const nats of ['nats:a', 'nats://', 'nats://u%:p@a', 'wss://a', 'nats://a/subject', 'tls://10.0.0.31:4222', 'tls://[fd00::1]']) expect(hints(nats)).toMatchObject({ ok: false, fault: expect.stringMatching(/^CAREFOLD_NATS must be addresses like /) });
    for (const nats of ['nats://a tls://b', 'nats://u:p@a nats://b', 'nats://u:p@a nats://u:q@b']) expect(hints(nats)).toEqual({ ok: false, fault: 'CAREFOLD_NATS must name servers that all take the same name and password, and all TLS or none.' });
  });

  it('say how to reach a bucket only where they say which', () => {
    const s3 = { CAREFOLD_S3: 'https://s3.example.org/care', CAREFOLD_S3_KEY: 'k', CAREFOLD_S3_SECRET: 's' };
    expect(configOf(s3)).toMatchObject({ ok: true, value: { s3Region: 'us-east-1' } });
    expect(configOf({ ...s3, CAREFOLD_S3_REGION: 'eu-central-1' })).toMatchObject({ ok: true, value: { s3Region: 'eu-central-1' } });
    for (const name of ['CAREFOLD_S3_KEY', 'CAREFOLD_S3_SECRET', 'CAREFOLD_S3_REGION']) expect(configOf({ [name]: 'us-east-1' })).toEqual({ ok: false, fault: `${name} needs CAREFOLD_S3: without the bucket’s address attachments lie in the folder.` });
    const path = join(folder, 'bucket.json');
    writeFileSync(path, '{"s3Region": "us-east-1"}');
    expect(configOf({ CAREFOLD_CONFIG: path })).toMatchObject({ ok: false, fault: expect.stringMatching(/^CAREFOLD_S3_REGION needs CAREFOLD_S3:/) });
    expect(configOf({ CAREFOLD_CONFIG: path, ...s3 })).toMatchObject({ ok: true });
    expect(configOf({ CAREFOLD_S3_KEY: ' ' })).toMatchObject({ ok: true });
  });

  it('come from a file as well, over which the environment goes, and what a file says that is none is told', () => {
    const path = join(folder, 'carefold.json');
    const say = (words: string): ReturnType<typeof configOf> => {
      writeFileSync(path, words);
      return configOf({ CAREFOLD_CONFIG: path, PORT: '9000' });
    };
    expect(say('{"port": 8000, "origins": ["https://app.example.org"], "drain": 10}')).toMatchObject({ ok: true, value: { port: 9000, drain: 10, origins: ['https://app.example.org'] } });
    expect(say('{"drain": "soon"}')).toEqual({ ok: false, fault: `“drain” in ${path} must be a number of seconds up to 600.` });
    expect(say('{"prot": 8000}')).toEqual({ ok: false, fault: `“prot” in ${path} is no setting.` });
    expect(say('{"groups": "none"}')).toEqual({ ok: false, fault: `“groups” in ${path} must be open or permit.` });
    expect(say('{"proxies": ["10.0.0.0/33"]}')).toEqual({ ok: false, fault: `“proxies” in ${path} must be addresses or networks like 10.0.0.5, 10.1.0.0/16 or fd00:1::/64.` });
    expect(say('{"groups": "permit"}')).toMatchObject({ ok: true, value: { groups: 'permit' } });
    expect(say('port: 8000')).toEqual({ ok: false, fault: `${path} is not JSON.` });
    expect(configOf({ CAREFOLD_CONFIG: join(folder, 'none') })).toMatchObject({ ok: false });
  });
});
