/** The few words a group or a join shows in the list. */
import type { Ended, GroupKind, GroupSummary, JoinView, PersonRole } from '$lib/core/port';
import { getLocale } from '$lib/paraglide/runtime';
import * as m from '$lib/paraglide/messages';

export const kindWord = (kind: GroupKind): string =>
  ({ team: m.kind_team, across: m.kind_across, family: m.kind_family, 'one-to-one': m.kind_one_to_one })[kind]();

export const roleWord = (role: PersonRole): string => ({ clinician: m.role_clinician, patient: m.role_patient, family: m.role_family })[role]();

const ENDED: { readonly [E in Ended]: () => string } = { removed: m.home_ended_removed, left: m.home_ended_left, gone: m.home_ended_gone, forked: m.home_ended_forked, overtaken: m.home_ended_overtaken, destroyed: m.ending_home, carried: m.history_home };
export const endedWords = (ended: Ended): string => ENDED[ended]();

/** Who stands before the last words: “Fay”, “You”; empty where the words say it themselves, or nobody is known. */
export function lastWriter({ last }: GroupSummary): string {
  if (last === null || last.gone || (last.words.trim() === '' && last.photos === 0)) return '';
  return last.mine ? m.home_you() : firstName(last.who);
}

/** “She slept through”, “2 photos”, “Fay took an update back”, or what to do in a group where nothing happened yet. */
export function lastWords(group: GroupSummary): string {
  const { last } = group;
  if (last === null) return group.opening ? m.home_opening() : m.home_nothing_yet();
  if (last.gone) return last.mine ? m.home_gone_you() : last.who === '' ? m.home_gone_nobody() : m.home_gone({ who: firstName(last.who) });
  const words = last.words.trim() !== '' ? last.words.trim() : last.photos > 0 ? m.home_photos({ count: last.photos }) : '';
  return words !== '' ? words : last.mine ? m.home_you() : last.who;
}

const SHOWN = 3;

/** “Pat, Fay, Ann and 2 others”, first names only; empty for nobody. */
export function peopleWords(names: readonly string[]): string {
  const first = names.map((name) => firstName(name));
  if (first.length === 0) return '';
  const shown = first.length <= SHOWN + 1 ? first : first.slice(0, SHOWN);
  const others = first.length - shown.length;
  const all = others > 0 ? [...shown, m.home_others({ count: others })] : shown;
  return new Intl.ListFormat(getLocale(), { type: 'conjunction' }).format(all);
}

const TITLED = /^(dr|prof|mr|mrs|ms|mx|sr|sra|dra|don|doña)\.?$/i;

/** The name a friend would say; behind a title, the last one (“Dr Tobi Okafor” is “Dr Okafor”). */
export function firstName(name: string): string {
  const [first = '', ...more] = name.trim().split(/\s+/);
  return TITLED.test(first) && more.length > 0 ? `${first} ${more.at(-1)}` : first;
}

const JOIN: { readonly [S in JoinView['state']]: (input: { name: string }) => string } = {
  opening: () => m.joins_opening(),
  card: ({ name }) => m.joins_card({ name }),
  waiting: ({ name }) => (name === '' ? m.joins_waiting_nobody() : m.joins_waiting({ name })),
  crowded: () => m.joins_crowded(),
  refused: () => m.joins_refused(),
  used: () => m.joins_used(),
  expired: () => m.joins_expired(),
  revoked: () => m.joins_revoked(),
  unknown: () => m.joins_unknown(),
  'bad-link': () => m.joins_bad(),
  'other-relay': () => m.joins_other_relay(),
  outdated: () => m.outdated_home(),
  offline: () => m.joins_offline(),
  in: () => m.joins_in()
};
export const joinWords = (join: JoinView): string => JOIN[join.state]({ name: join.card === null ? '' : firstName(join.card.inviter) });

/** What a family group is proposed to be called. */
export const familyName = (patient: string): string => m.new_family_name({ name: patient.trim() });

/** “Good morning, Lena”, by the hour of this device; at night, when someone is on duty or awake, only “Hello”. */
export function greeting(name: string, now: number): string {
  const hour = new Date(now).getHours();
  const who = { name: firstName(name) };
  if (hour < 5 || hour >= 22) return m.greet_night(who);
  return hour >= 18 ? m.greet_evening(who) : hour < 12 ? m.greet_morning(who) : m.greet_afternoon(who);
}

/** “Sunday 22 November”. */
export function todayWords(now: number): string {
  const words = new Intl.DateTimeFormat(getLocale(), { weekday: 'long', day: 'numeric', month: 'long' }).format(now);
  return words.charAt(0).toLocaleUpperCase(getLocale()) + words.slice(1);
}
