/** Which of the relay's keys receipts a group's entries (PROTOCOL §7.1): the one that the group knows, until its owner names the next. */
import { equal } from '../crypto/bytes';
import type { Group } from './group';
import type { House, KeyPair } from './house';

export const ownKeys = (h: Pick<House, 'keys'>): readonly KeyPair[] => [h.keys, ...(h.keys.earlier ?? [])];

/** Null when that key is not at hand any more. */
export const keyOf = (h: Pick<House, 'keys'>, { signer }: Pick<Group, 'signer'>): KeyPair | null => ownKeys(h).find((k) => equal(k.pk, signer)) ?? null;
