/** What an alarm is called, in the group and in the list of groups. */
import type { Alarm } from '$lib/core/port';
import * as m from '$lib/paraglide/messages';

const TITLE: { readonly [A in Alarm]: () => string } = {
  fork: m.group_alarm_fork_title, rollback: m.group_alarm_rollback_title, stranger: m.group_alarm_stranger_title, gap: m.group_alarm_gap_title, 'wrong-key': m.group_alarm_wrong_key_title
};
export const alarmTitle = (alarm: Alarm): string => TITLE[alarm]();
