/** The built app as plain files for a server of its own, apart from the relay: whoever breaks into the relay cannot change it (OPERATING.md). */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const POLICY = /(http-equiv="content-security-policy" content=")([^"]+)/;
const RELAY = '<meta name="carefold-relay" content="';

/** The relay's origin, or nothing when it is none that an app from elsewhere may use. */
export function relayOrigin(address) {
  if (!URL.canParse(address)) return undefined;
  const { origin, protocol, hostname } = new URL(address);
  const isNear = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isNear) ? origin : undefined;
}

/** Copies the build into `folder`, which must not be there, made for the relay at `relay`; what each answer's headers must say. */
export function writeApart(build, folder, relay) {
  if (existsSync(folder)) throw new Error(`${folder} is there already.`);
  const page = readFileSync(join(build, 'index.html'), 'utf8');
  if (!page.includes(`${RELAY}"`) || !POLICY.test(page)) throw new Error('The build cannot be set apart.');
  const socket = relay.replace(/^http/, 'ws');
  const apart = page.replace(`${RELAY}"`, `${RELAY}${relay}"`).replace(POLICY, (_, before, policy) => before + policy.replace(/connect-src [^;]+/, `$& ${relay} ${socket}`));
  cpSync(build, folder, { recursive: true });
  const index = join(folder, 'index.html');
  for (const end of ['.br', '.gz']) rmSync(index + end, { force: true });
  writeFileSync(index, apart);
  writeFileSync(`${index}.br`, brotliCompressSync(apart));
  writeFileSync(`${index}.gz`, gzipSync(apart));
  return headersFor(POLICY.exec(apart)[2]);
}

/** The same as the relay sends with the app. */
function headersFor(policy) {
  return {
    'Content-Security-Policy': `${policy.replaceAll('&#39;', "'").replaceAll('&quot;', '"')}; frame-ancestors 'none'`,
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Permissions-Policy': 'camera=(self), microphone=(), geolocation=()'
  };
}

/** As a Caddyfile imports it. */
export const caddyHeaders = (headers) => `header {\n${Object.entries(headers).map(([name, value]) => `\t${name} ${JSON.stringify(value)}\n`).join('')}}\n`;
