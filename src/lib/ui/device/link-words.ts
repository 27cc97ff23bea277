/** Why linking two devices did not come about, and what to do about it. */
import type { LinkFault } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';

interface Words {
  readonly title: string;
  readonly more: string;
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
