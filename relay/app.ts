/** The relay's HTTP side: blobs, health, and the built app under its enforced policy. */
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobRoutes } from './blob-routes';
import type { Blobs } from './blobs';
import type { Relay } from './relay';

/** `root`: folder of the built app; `origins`: pages from elsewhere that may ask for blobs; `earlier`: folders of builds before this one (kept.ts). */
export function createApp(relay: Relay, blobs: Blobs, root: string, origins: readonly string[] = [], isReady: () => Promise<boolean> = async () => true, earlier: readonly string[] = []): Hono {
  const app = new Hono();
  const policy = policyOf(join(root, 'index.html'));
  app.use(async (c, next) => {
    await next();
    c.header('Content-Security-Policy', policy);
  });
  app.use(
    secureHeaders({
      referrerPolicy: 'no-referrer', strictTransportSecurity: false, crossOriginOpenerPolicy: 'same-origin', crossOriginResourcePolicy: 'same-origin', xFrameOptions: 'DENY',
      permissionsPolicy: { camera: ['self'], microphone: [], geolocation: [] }
    })
  );
  // the process is alive; and: it may be sent devices
  app.get('/healthz', (c) => c.text('ok'));
  app.get('/readyz', async (c) => ((await isReady()) ? c.text('ready') : c.text('not ready', 503)));
  app.use('/api/*', cors({ origin: (o) => (origins.includes(o) ? o : null), allowHeaders: ['Authorization'], allowMethods: ['GET', 'HEAD', 'PUT', 'DELETE'], maxAge: 7200 }));
  app.route('/api/blob', blobRoutes(relay, blobs));
  app.all('/api/*', (c) => c.notFound());
  app.get('/ws', (c) => c.text('expects a WebSocket', 426));
  app.use('*', cached('no-cache'));
  app.use('/_app/immutable/*', cached('public, max-age=31536000, immutable'));
  // a relay may stand alone, with the app served elsewhere
  const isThere = existsSync(root);
  if (isThere) app.use('*', serveStatic({ root, precompressed: true }));
  for (const build of earlier) app.use('/_app/immutable/*', serveStatic({ root: build, precompressed: true }));
  // a missing asset must be a 404: never the page under a script's address, where it would be kept as immutable
  app.get('/_app/*', (c) => c.notFound());
  app.get('/:path{.+\\.[a-z0-9]+}', (c) => c.notFound());
  if (isThere) app.get('*', serveStatic({ root, path: 'index.html', precompressed: true }));
  app.onError((_, c) => c.text('failed', 500));
  return app;
}

/** Sets Cache-Control on what was found, never on an error, and not over a narrower rule. */
const cached = (value: string) => async (c: Context, next: () => Promise<void>): Promise<void> => {
  await next();
  if (c.res.status === 200 && !c.res.headers.has('Cache-Control')) c.header('Cache-Control', value);
};

/**
 * The policy that the build wrote into the page, as a header: workers take theirs from their own response, and frame-ancestors
 * counts only there. Without a build nothing may run at all.
 */
function policyOf(page: string): string {
  const html = existsSync(page) ? readFileSync(page, 'utf8') : '';
  const written = /http-equiv="content-security-policy" content="([^"]+)"/.exec(html)?.[1];
  return `${written?.replaceAll('&#39;', "'").replaceAll('&quot;', '"') ?? "default-src 'none'"}; frame-ancestors 'none'`;
}
