/** What linking says in several places: the name proposed for this device, and why linking did not come about. */
import type { LinkFault } from '$lib/core/port';
import { deviceKind, platformName } from '$lib/state/surroundings';
import * as m from '$lib/paraglide/messages';

interface Words {
  readonly title: string;
  readonly more: string;
}

const NAMES = { laptop: m.device_laptop, phone: m.device_phone, tablet: m.device_tablet } as const;

/** “iPhone”, “Phone (Android)”, “Laptop (Windows)”: what this device looks like. */
export function proposedName(): string {
  const platform = platformName();
  if (/^(iPhone|iPad|Mac|Chromebook)$/.test(platform)) return platform;
  const kind = NAMES[deviceKind()]();
  return platform === '' ? kind : `${kind} (${platform})`;
}

export function linkFaultWords(why: LinkFault): Words {
  switch (why) {
    case 'expired': return { title: m.linkfail_expired(), more: m.linkfail_expired_more() };
    case 'refused': return { title: m.linkfail_refused(), more: m.linkfail_refused_more() };
    case 'bad-code': return { title: m.linkfail_code(), more: m.linkfail_code_more() };
    case 'other-relay': return { title: m.linkfail_relay(), more: m.linkfail_relay_more() };
    case 'needs-network': return { title: m.linkfail_network(), more: m.linkfail_network_more() };
    case 'too-many': return { title: m.linkfail_many(), more: m.linkfail_many_more() };
  }
}
