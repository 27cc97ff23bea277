/** The state of the connection in words; never a step ahead of the truth. */
import type { ConnectionView } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';
import { clockTime, longAgo } from './when';

export type How = 'ok' | 'sending' | 'halted' | 'connecting' | 'offline';

/** The few words of the pill. */
export function connectionWords(view: ConnectionView): { readonly how: How; readonly short: string } {
  const waiting = view.waiting;
  switch (view.state) {
    case 'offline':
      return { how: 'offline', short: waiting > 0 ? m.status_offline_waiting({ count: waiting }) : m.status_offline() };
    case 'connecting':
      return { how: 'connecting', short: waiting > 0 ? m.status_connecting_waiting({ count: waiting }) : m.status_connecting() };
    case 'online':
      if (view.halted > 0) return { how: 'halted', short: m.status_halted({ count: view.halted }) };
      if (waiting > 0) return { how: 'sending', short: m.status_sending({ count: waiting }) };
      if (view.reading > 0) return { how: 'connecting', short: m.status_reading() };
      if (view.unbegun > 0) return { how: 'halted', short: m.status_permit() };
      return { how: 'ok', short: view.lacking > 0 ? m.status_online() : m.status_ok() };
  }
}

/** The sentences behind it: since when, what waits, when everything was last here. */
export function connectionMore(view: ConnectionView): readonly string[] {
  const lines: string[] = [];
  if (view.state === 'offline') lines.push(view.since === null ? m.status_more_offline() : m.status_more_offline_since({ time: clockTime(view.since) }));
  else if (view.state === 'connecting') lines.push(m.status_more_connecting());
  else if (view.halted > 0) lines.push(m.status_more_halted());
  else if (view.waiting > 0) lines.push(m.status_more_sending());
  else if (view.reading > 0) lines.push(m.status_more_reading());
  else lines.push(view.unbegun > 0 ? m.status_more_permit() : m.status_more_ok());
  if (view.state === 'online' && view.halted === 0 && view.lacking > 0) lines.push(m.status_more_lacking());
  if (view.waiting > 0) lines.push(m.status_more_waiting({ count: view.waiting }));
  // not known again before it is online: it may have been complete a minute ago
  if (view.lastSynced !== null) lines.push(m.status_more_synced({ time: longAgo(view.lastSynced) }));
  return lines;
}
