/**
 * Which names this relay answers to. A proof of access names the host that the device dialled; were any name accepted, a hostile
 * relay could pass a proof made for itself on to this one (PROTOCOL §11).
 */
import { hostname } from 'node:os';
import { isIP } from 'node:net';

export interface AllowedHosts {
  /** Whether a Host header (lower case) may be ours; `local` is the address the connection came in at. */
  allows(host: string, local: string | undefined): boolean;
  /** Whether a page of this origin may open a socket. */
  allowsOrigin(origin: string, host: string): boolean;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
export const isLoopback = (name: string): boolean => LOOPBACK.includes(name);

/** Name without port and brackets; null when it is none. */
export function nameOf(host: string): string | null {
  const url = `http://${host}`;
  if (!URL.canParse(url) || /[/?#@\s]/.test(host)) return null;
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}

/**
 * Loopback names always; the public address's host; and, when the relay listens on a network, this computer's name and the address
 * that the connection came in at. Origins: the host itself, the public address, and those configured.
 */
export function allowedHosts(c: { readonly host: string; readonly publicUrl: string | null; readonly origins: readonly string[] }): AllowedHosts {
  const own = c.publicUrl === null ? null : new URL(c.publicUrl);
  const origins = new Set([...c.origins, ...(own === null ? [] : [own.origin])]);
  const computer = hostname().toLowerCase();
  return {
    allows(host, local) {
      const name = nameOf(host);
      if (name === null) return false;
      if (isLoopback(name) || host === own?.host) return true;
      if (isLoopback(c.host)) return false;
      if (name === computer || name === `${computer}.local` || name === c.host) return true;
      return isIP(name) !== 0 && name === local?.replace(/^::ffff:/, '');
    },
    allowsOrigin: (origin, host) => origins.has(origin) || (URL.canParse(origin) && new URL(origin).host === host)
  };
}
