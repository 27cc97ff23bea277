/**
 * Which addresses a push may go to (PROTOCOL §11.7). A place is a URL that a device said: without bounds, anybody in a group could have the
 * relay knock at whatever its own network reaches.
 */
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

export interface Places {
  /** The place as a device says it, in the one way of writing it (the URL Standard's): null for one that may not be asked. Other readers of URLs read others. */
  placeOf(said: string): string | null;
  /** How the host of a place is looked up; undefined where the operator named it, wherever it lies. */
  lookupFor(place: string): LookupFunction | undefined;
}

/** The push services of the browsers that there are. */
const KNOWN = ['fcm.googleapis.com', 'updates.push.services.mozilla.com', '*.push.services.mozilla.com', 'web.push.apple.com', '*.push.apple.com', '*.notify.windows.com'];

const ORIGIN = /^https?:\/\//;
const HOST = /^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const NAME = /^[a-z0-9.-]+$/;

/** Whether this is how an operator may name a push service: a host, `*.` and a host, or a whole origin. */
export const isPushService = (s: string): boolean => (ORIGIN.test(s) ? URL.canParse(s) && new URL(s).origin === s : HOST.test(s));

/** `more`: beyond those that are known; an origin may be anywhere and speak http, since it was named as it is. */
export function placesOf(more: readonly string[]): Places {
  const origins = new Set(more.filter((s) => ORIGIN.test(s)));
  const hosts = [...KNOWN, ...more.filter((s) => !ORIGIN.test(s))];
  return {
    placeOf(said) {
      if (!URL.canParse(said)) return null;
      const url = new URL(said);
      if (url.username !== '' || url.password !== '' || url.hash !== '') return null;
      if (origins.has(url.origin)) return url.href;
      if (url.protocol !== 'https:' || url.port !== '' || isIP(url.hostname) !== 0 || !NAME.test(url.hostname)) return null;
      return hosts.some((h) => (h.startsWith('*.') ? url.hostname.endsWith(h.slice(1)) : url.hostname === h)) ? url.href : null;
    },
    lookupFor: (place) => (origins.has(new URL(place).origin) ? undefined : outside)
  };
}

const inward = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.168.0.0', 16], ['198.18.0.0', 15],
  ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 3]
] as const) inward.addSubnet(net, bits, 'ipv4');
/** Of IPv6 only what is routed on the internet, without the parts of it that lead elsewhere. */
const routed = new BlockList();
routed.addSubnet('2000::', 3, 'ipv6');
for (const [net, bits] of [['2001::', 32], ['2001:db8::', 32], ['2002::', 16]] as const) inward.addSubnet(net, bits, 'ipv6');

/** Whether an address is one of the internet, not of this computer or of a network around it. */
export const isOutside = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !inward.check(address, 'ipv4');
  return family === 6 && routed.check(address, 'ipv6') && !inward.check(address, 'ipv6');
};

/** A name may lead anywhere: the addresses that are connected to are judged, not those of an earlier look. */
const outside: LookupFunction = (host, options, done) => {
  lookup(host, { ...options, all: true }, (fault, found) => {
    const good = fault === null ? found.filter((a) => isOutside(a.address)) : [];
    const [first] = good;
    if (first === undefined) return done(fault ?? new Error('no address outside'), options.all === true ? [] : '', 0);
    if (options.all === true) done(null, good);
    else done(null, first.address, first.family);
  });
};
