/** Hints over NATS core: one subject for each group, at most once, nothing kept. Without its server the relay goes on by asking the store. */
import { connect, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { decodeHint, encodeHint, type Hint, type Hints } from './hints';

/** Beyond that the others find it by asking. */
const MISSED = 10_000;
const subject = (g: number): string => `carefold.group.${g}`;

/** Returns at once; connects, and connects again, by itself. `changed` hears whether hints come through. */
export function natsHints(servers: readonly string[], changed: (isUp: boolean) => void = () => undefined): Hints {
  const watching = new Map<number, (hint: Hint) => void>();
  const listening = new Map<number, Subscription>();
  let nats: NatsConnection | null = null;
  /** Groups that could not be told of. */
  const missed = new Set<number>();
  let isUp = false;
  let closed = false;

  const turn = (now: boolean): void => {
    if (isUp === now) return;
    isUp = now;
    changed(now);
    if (!now) return;
    for (const g of missed) nats?.publish(subject(g), encodeHint({ g, held: [], until: 0 }));
    missed.clear();
  };
  const listen = (g: number): void => {
    if (nats === null) return;
    const callback = (_: Error | null, m: { readonly data: Uint8Array }): void => {
      const hint = decodeHint(m.data);
      if (hint !== null && hint.g === g) watching.get(g)?.(hint);
    };
    listening.set(g, nats.subscribe(subject(g), { callback }));
  };
  const observe = async (c: NatsConnection): Promise<void> => {
    for await (const s of c.status()) {
      if (s.type === 'disconnect' || s.type === 'staleConnection') turn(false);
      if (s.type === 'reconnect') turn(true);
    }
  };
  // a server that is not there yet is waited for, however long
  void connect({ servers: [...servers], name: 'carefold', noEcho: true, waitOnFirstConnect: true, maxReconnectAttempts: -1, reconnectTimeWait: 500, reconnectJitter: 500, pingInterval: 5_000, maxPingOut: 2 }).then(
    (c) => {
      if (closed) return c.close();
      nats = c;
      for (const g of watching.keys()) listen(g);
      turn(true);
      return observe(c);
    },
    () => turn(false)
  );

  return {
    get isUp() {
      return isUp;
    },
    tell(hint) {
      if (nats !== null && isUp) nats.publish(subject(hint.g), encodeHint(hint));
      else if (missed.size < MISSED) missed.add(hint.g);
    },
    watch(g, heard) {
      watching.set(g, heard);
      listen(g);
      return () => {
        watching.delete(g);
        listening.get(g)?.unsubscribe();
        listening.delete(g);
      };
    },
    async close() {
      closed = true;
      await nats?.close();
    }
  };
}
