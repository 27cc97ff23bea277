/** What every part of a running relay shares. */
import type { Bytes, RelayPk } from '../crypto/brand';
import type { Refusal } from '../crypto/frames';
import type { Turn } from '../crypto/turn';
import type { Random } from '../crypto/sodium';
import type { Bearers } from './bearers';
import type { Fanout } from './fanout';
import type { Follow } from './follow';
import type { Groups } from './group';
import type { Hourly, Paces } from './limits';
import type { Log } from './log';
import type { Ringing } from './ringing';
import type { Connection } from './session';
import type { Staging } from './staging';

/** Milliseconds since 1970. */
export type Clock = () => number;

export interface KeyPair { readonly pk: RelayPk; readonly sk: Bytes }
/** The key of now; those before it, for groups that have not followed; and how each named the next. */
export interface RelayKeys extends KeyPair { readonly earlier?: readonly KeyPair[]; readonly turns?: readonly Turn[] }

export interface House {
  /** Number of the store's present life. */
  incarnation: number;
  /** The newest version of groups that it takes. */
  readonly knows: number;
  /** Whether a group is begun only by whoever shows a permit. */
  readonly asksPermit: boolean;
  /** Every connection that is open. */
  readonly connections: Set<Connection>;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly keys: RelayKeys;
  readonly groups: Groups;
  /** Numbers of groups whose sessions ended since feeds were last laid together. */
  readonly visited: Set<number>;
  readonly fanout: Fanout;
  readonly follow: Follow;
  /** Pushes to devices that are away; null where this relay has no doorbell. */
  readonly ringing: Ringing | null;
  /** Lockboxes that wait for their entries. */
  readonly staging: Staging;
  /** Groups put there, permits that were none, vaults and meetings begun, and items, by address: counted by each relay for itself, since an address is never written down. */
  readonly founding: Hourly;
  /** Frames by log key. */
  readonly paces: Paces;
  /** What opens blobs, and for whom. */
  readonly bearers: Bearers;
  /** How often each refusal was given; all that is ever written down about them. */
  readonly refusals: Map<Refusal, number>;
}
