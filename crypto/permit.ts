/** Permits to begin groups at a relay that asks for them (PROTOCOL §11.8): its operator gives a code, of which the relay keeps a hash alone. */
import type { Bytes, Hash, Permit } from './brand';
import { CODE_SECRET, codeOf, secretIn } from './code';
import { hash } from './hash';
import { LABEL } from './labels';
import type { Random } from './sodium';

export const newPermit = (random: Random): Permit => random(CODE_SECRET) as Permit;
export const permitCode = (permit: Permit): string => codeOf(LABEL.permitCheck, permit);
/** What a code stands for, however it was typed; null when it is none, or the code of something else. */
export const permitIn = (code: string): Permit | null => secretIn(LABEL.permitCheck, code) as Permit | null;
/** What the relay keeps of it. */
export const permitHash = (permit: Bytes): Hash => hash(LABEL.permit, permit);

/** Why no group was begun: no permit was shown, nobody made it, its groups are all begun, its time is over. */
export const PERMIT_REFUSALS = ['none', 'unknown', 'spent', 'ended'] as const;
export type PermitRefusal = (typeof PERMIT_REFUSALS)[number];
