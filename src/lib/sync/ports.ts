/** What sync needs of the world; given by a composition root, or by a simulation. */
import type { Bytes } from '$crypto/brand';

/** Milliseconds since 1970, for display and waiting only. */
export type Clock = () => number;
/** Runs `what` after `ms`; the returned function calls it off. */
export type Later = (ms: number, what: () => void) => () => void;

export interface Socket {
  send(frame: Bytes): void;
  close(): void;
}
export interface SocketEvents {
  open(): void;
  frame(bytes: Uint8Array): void;
  closed(): void;
}
/** Begins a connection; events come later, never during the call. */
export type Dial = (events: SocketEvents) => Socket;
