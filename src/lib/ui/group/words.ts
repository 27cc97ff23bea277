/** Small sentences about people and times that several group screens say in the same way. */
import type { Ended, GroupView, NoteItem, PersonRole, PersonRoles, PersonView, PostItem } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';
import { clockTime, dateOf, fullDate, longAgo } from '$lib/ui/when';
import { midnight } from './feed-rows';
import { onlySays } from '$lib/ui/vouch/words';
import { shortName } from './readers';

/** “Clinician”, “Patient”, “Family or friend”. */
export function roleWords(role: PersonRole): string {
  switch (role) {
    case 'clinician': return m.role_clinician();
    case 'patient': return m.role_patient();
    case 'family': return m.role_family();
  }
}

/** What a person is here: the relationship somebody gave, else the role; “Says: clinician” where nobody else says so and their number was never compared. */
export function standing(person: PersonView, now: number): string {
  if (person.relationship !== '') return person.relationship;
  return person.known.state !== 'verified' && onlySays(person, now) ? m.vouch_says_short() : roleWords(person.role);
}

/** Not, or no longer, recognised as who they were: to be told, once they are here. */
export const isDoubtful = (person: PersonView): boolean => person.ended === null && !person.me && (person.known.state === 'changed' || person.known.state === 'other');

/** “May invite”, “Successor”, “Speaks for Pat”. */
export function rolesWords(roles: PersonRoles, patient: string): string[] {
  return [
    roles.representative ? (patient === '' ? m.roster_speaks_patient() : m.roster_speaks({ name: shortName(patient) })) : '',
    roles.host ? m.roster_may_invite() : '',
    roles.successor ? m.roster_successor() : ''
  ].filter((words) => words !== '');
}

/** The name, with its four digits when another live member bears the same one. */
export function markedName(person: PersonView): string {
  return person.sameName ? `${person.name} · ${person.mark}` : person.name;
}

/** “9:14” today, “yesterday, 9:14” or “19 November, 9:14” before. */
export function momentWords(at: number): string {
  return midnight(at) === midnight(new Date().getTime()) ? clockTime(at) : longAgo(at);
}

/** Names have not come yet: the keys to them are on their way. */
export const isNameless = (view: GroupView): boolean => view.name === '' || view.people.some((person) => person.ended === null && person.name === '');

/** “6 people · Pat owns this group”. */
export function groupLine(view: GroupView): string {
  const here = view.people.filter((person) => person.ended === null);
  const owner = here.find((person) => person.owner);
  const count = m.group_people_count({ count: here.length });
  // of a group that was brought along nobody owns anything any more
  if (view.carried !== null) return count;
  if (view.iOwn) return `${count} · ${m.group_owned_by_you()}`;
  return owner === undefined || owner.name === '' ? count : `${count} · ${m.group_owned_by({ name: shortName(owner.name) })}`;
}

/** What stands before the first update that this person can read. */
export function beginningWords(view: GroupView): string {
  const me = view.people.find((person) => person.me);
  return view.iReadFromStart || me === undefined ? m.group_feed_start() : m.group_feed_since({ when: dateOf(me.since) });
}

/** Why a group is read-only here, and what is safe; `at`: when the relay destroyed it. */
export function endedWords(why: Ended, at: number | null): string {
  switch (why) {
    case 'removed': return m.group_ended_removed();
    case 'left': return m.group_ended_left();
    case 'gone': return m.group_ended_gone();
    case 'forked': return m.group_ended_forked();
    case 'overtaken': return m.group_ended_overtaken();
    case 'carried': return m.history_ended();
    case 'destroyed': return at === null ? m.group_ended_gone() : m.ending_done({ when: fullDate(at) });
  }
}

/** The first words of a post, or what stands in for them. */
export function firstWords(post: PostItem): string {
  return post.text === '' && post.photos.length > 0 ? m.group_photo_only({ count: post.photos.length }) : post.text;
}

/** “Pat let Fay in”, “Fay removed Max, speaking for Pat”, “You own this group now”. */
export function noteWords(note: NoteItem): string {
  const what = deedWords(note);
  return note.speaking == null ? what : m.group_note_speaking({ what, patient: note.speaking === '' ? m.group_note_patient() : note.speaking });
}
function deedWords(note: NoteItem): string {
  const { byMe } = note;
  const who = note.who === '' ? m.group_somebody() : note.who;
  // whose name cannot be read here is not named
  const by = note.by === '' ? null : note.by;
  switch (note.what) {
    case 'made': return note.me ? m.group_note_made_me() : m.group_note_made({ who });
    case 'joined':
      if (by === null) return note.me ? m.group_note_joined_me() : m.group_note_joined({ who });
      return note.me ? m.group_note_let_me_in({ by }) : byMe ? m.group_note_let_in_me({ who }) : m.group_note_let_in({ who, by });
    case 'removed':
      if (by === null) return note.me ? m.group_note_removed_me() : m.group_note_removed({ who });
      return note.me ? m.group_note_removed_me_by({ by }) : byMe ? m.group_note_removed_by_me({ who }) : m.group_note_removed_by({ who, by });
    case 'left': return note.me ? m.group_note_left_me() : m.group_note_left({ who });
    case 'owner':
      if (by === null) return note.me ? m.group_note_owner_me() : m.group_note_owner({ who });
      return note.me ? m.group_note_owner_me_from({ by }) : byMe ? m.group_note_owner_from_me({ who }) : m.group_note_owner_from({ who, by });
    case 'took':
      if (by === null) return note.me ? m.group_note_owner_me() : m.group_note_owner({ who });
      return note.me ? m.roster_note_took_me({ by }) : byMe ? m.roster_note_took_from_me({ who }) : m.roster_note_took({ who, by });
    case 'came': return note.me ? m.roster_note_came_me() : by === null ? m.roster_note_came_nobody({ who }) : byMe ? m.roster_note_came_from_me({ who }) : m.roster_note_came({ who, by });
    case 'roles': {
      const roles = note.roles == null ? [] : rolesWords(note.roles, '');
      if (roles.length === 0) return note.me ? m.roster_note_roles_none_me() : m.roster_note_roles_none({ who });
      return note.me ? m.roster_note_roles_me({ roles: roles.join(' · ') }) : m.roster_note_roles({ who, roles: roles.join(' · ') });
    }
    case 'claim': return note.me ? m.roster_note_claim_me() : m.roster_note_claim({ who });
    case 'without': return note.me ? m.roster_note_without_me({ by: by ?? '' }) : m.roster_note_without({ who, by: by ?? '' });
    case 'ending': return note.me ? m.ending_note_me() : m.ending_note({ who });
    case 'unending': return note.me ? m.ending_note_off_me() : m.ending_note_off({ who });
    case 'relay': return note.me ? m.roster_note_relay_me() : m.roster_note_relay({ who });
    case 'upgraded': return note.me ? m.roster_note_upgraded_me() : m.roster_note_upgraded({ who });
    case 'carried': return note.me ? m.history_note_me() : m.history_note({ who });
    case 'coming': return note.share == null ? m.group_note_coming_offline() : m.group_note_coming({ percent: Math.floor(100 * note.share) });
    case 'missing': return m.group_note_missing();
    case 'unclaim': return note.me ? m.roster_note_unclaim_me() : m.roster_note_unclaim({ who });
    // here `who` is the new name
    case 'renamed': return note.me ? m.group_note_renamed_me({ who }) : m.group_note_renamed({ who });
  }
}
