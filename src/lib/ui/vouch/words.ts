/** What an organisation says of somebody, in sentences; whether it holds at this hour is for showing only (PROTOCOL §15.8). */
import type { CredentialView, PersonView, VouchedView } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';
import { isSameName } from '../same-name';
import { utcDate } from '../when';

export type Hold = 'now' | 'over' | 'early';
export const holdOf = ({ from, until }: CredentialView, now: number): Hold => (now < from ? 'early' : now >= until ? 'over' : 'now');

const trustedOf = (person: PersonView): readonly VouchedView[] => person.vouched.filter((v) => v.trust === 'trusted');

/** What stands beside a name: of a trusted organisation, and holding. Null where there is none. */
export const vouchedNow = (person: PersonView, now: number): VouchedView | null => trustedOf(person).find((v) => holdOf(v, now) === 'now') ?? null;
/** What stood there, where nothing does now. */
export const vouchedOnce = (person: PersonView, now: number): VouchedView | null =>
  vouchedNow(person, now) === null ? (trustedOf(person).find((v) => holdOf(v, now) === 'over') ?? null) : null;

/** “Verified by St Anna Hospital”; with the name it vouches for where the person goes by another. */
export const markWords = (v: VouchedView, name: string): string => (isSameName(v.name, name) ? m.vouch_by({ by: v.by }) : m.vouch_by_as({ by: v.by, name: v.name }));

/** “Was verified by St Anna Hospital until 30 June 2027”. */
export const onceWords = (v: VouchedView): string => m.vouch_was({ by: v.by, when: lastDay(v) });

/** All that a credential says, of somebody else. */
export function fullWords(v: CredentialView, now: number): string {
  const said = { by: v.by, name: v.name, role: v.role, when: lastDay(v) };
  switch (holdOf(v, now)) {
    case 'now': return m.vouch_full(said);
    case 'over': return m.vouch_full_over(said);
    case 'early': return m.vouch_full_early({ ...said, from: utcDate(v.from) });
  }
}
/** The same of oneself, under the organisation's name. */
export function ownWords(v: CredentialView, now: number): string {
  const said = { name: v.name, role: v.role, when: lastDay(v) };
  switch (holdOf(v, now)) {
    case 'now': return m.vouch_valid(said);
    case 'over': return m.vouch_valid_over(said);
    case 'early': return m.vouch_valid_early({ ...said, from: utcDate(v.from) });
  }
}

/** Somebody who calls themselves a clinician and has nobody here who confirms it. */
export const onlySays = (person: PersonView, now: number): boolean => !person.me && person.role === 'clinician' && vouchedNow(person, now) === null;

/** The day that was written down where it was signed, which is a day in UTC. */
const lastDay = (v: CredentialView): string => utcDate(v.until - 1);
