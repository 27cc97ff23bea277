/** Epoch keys and their commitments (PROTOCOL §10). An AEAD does not commit to its key, so the entry does. */
import type { Bytes, ContentKey, Hash, RosterKey } from './brand';
import { equal } from './bytes';
import { hash } from './hash';
import { LABEL } from './labels';
import type { Random } from './sodium';
import { Writer } from './wire';

export interface EpochKeys { readonly content: ContentKey; readonly roster: RosterKey }

export const newEpochKeys = (random: Random): EpochKeys => ({ content: random(32) as ContentKey, roster: random(32) as RosterKey });

/** `prev` and `seq` are those of the entry that makes the epoch. */
export interface EpochPlace { readonly prev: Hash; readonly seq: number }
const at = (p: EpochPlace): Bytes => new Writer().fixed(p.prev).num(p.seq).done();

export const commitContent = (p: EpochPlace, k: ContentKey): Hash => hash(LABEL.contentCommit, k, at(p));
export const commitRoster = (p: EpochPlace, k: RosterKey): Hash => hash(LABEL.rosterCommit, k, at(p));

/** Whether a key is the one an entry committed to. */
export const isContentKey = (p: EpochPlace, k: ContentKey, committed: Hash): boolean => equal(commitContent(p, k), committed);
export const isRosterKey = (p: EpochPlace, k: RosterKey, committed: Hash): boolean => equal(commitRoster(p, k), committed);
