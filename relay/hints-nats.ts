/** Hints over NATS core: one subject for each group, at most once, nothing kept. Without its server the relay goes on by asking the store. */
import { isIP } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { connect, type ConnectionOptions, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { decodeHint, encodeHint, type Hint, type Hints } from './hints';

/** Beyond that the others find it by asking. */
const MISSED = 10_000;
/** Milliseconds until a server is tried again that was not there, or let nobody in. */
const AGAIN = 1_000;
const subject = (g: number): string => `carefold.group.${g}`;

/** Whether it is the address of a server: nats:, or tls: for one that has to have TLS, and then by name: of a number the driver takes the certificate of any localhost. */
export function isNats(address: string): boolean {
  try {
    const u = new URL(address);
    return /^(nats|tls):$/.test(u.protocol) && u.hostname !== '' && (u.protocol === 'nats:' || isIP(u.hostname.replace(/^\[|\]$/g, '')) === 0) && /^\/?$/.test(u.pathname + u.search + u.hash) && loginOf(u) !== null;
  } catch {
    return false;
  }
}
/** What all servers of a relay have in common, since the driver takes it once. */
export function wayIn(address: string): string {
  const { protocol, username, password } = new URL(address);
  return [protocol, username, password].join();
}

/** A name without a password is a token. Throws when it is not written as an address has it. */
function loginOf({ username, password }: URL): Pick<ConnectionOptions, 'user' | 'pass' | 'token'> {
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  if (pass !== '') return { user, pass };
  return user === '' ? {} : { token: user };
}
/** The driver reads nothing in an address but where the server is. */
function optionsOf(servers: readonly string[]): ConnectionOptions {
  const all = servers.map((s) => new URL(s));
  return { servers: all.map((u) => u.host), ...(all[0] === undefined ? {} : loginOf(all[0])), ...(all[0]?.protocol === 'tls:' ? { tls: {} } : {}) };
}

/** Returns at once; connects, and connects again, by itself. `changed` hears whether hints come through. */
export function natsHints(servers: readonly string[], changed: (isUp: boolean) => void = () => undefined): Hints {
  const watching = new Map<number, (hint: Hint) => void>();
  const listening = new Map<number, Subscription>();
  let nats: NatsConnection | null = null;
  /** Groups that could not be told of. */
  const missed = new Set<number>();
  /** Null before it is known. */
  let isUp: boolean | null = null;
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
    if (nats === null || nats.isClosed()) return;
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
  /** Connects until it is closed. What a connection that stood lost it finds again by itself, unless it is turned away. */
  const keep = async (): Promise<void> => {
    while (!closed) {
      try {
        nats = await connect({ ...optionsOf(servers), name: 'carefold', noEcho: true, maxReconnectAttempts: -1, reconnectTimeWait: 500, reconnectJitter: 500, pingInterval: 5_000, maxPingOut: 2 });
        if (closed) return void (await nats.close());
        for (const g of watching.keys()) listen(g);
        turn(true);
        void observe(nats);
        await nats.closed();
      } catch {
        // as one that is not there yet
      }
      nats = null;
      listening.clear();
      if (closed) return;
      turn(false);
      await setTimeout(AGAIN, undefined, { ref: false });
    }
  };
  void keep();

  return {
    get isUp() {
      return isUp === true;
    },
    tell(hint) {
      if (nats !== null && isUp === true && !nats.isClosed()) nats.publish(subject(hint.g), encodeHint(hint));
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
