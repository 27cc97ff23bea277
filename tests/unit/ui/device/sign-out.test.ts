import { describe, expect, it } from 'vitest';
import type { GroupSummary, HomeView } from '$lib/core/port';
import { unsentHere } from '$lib/ui/device/sign-out';

const group = (name: string, here: Partial<GroupSummary>): GroupSummary => ({
  group: name, name, kind: 'family', last: null, opening: false, unread: 0, people: [], requests: 0, offered: false, ending: null, outdated: false, waiting: 0, stuck: 0, drafts: 0, alarm: null, permit: null, ended: null, ...here
});
const home = (...groups: GroupSummary[]): HomeView => ({ groups, joins: [], letIn: [], arriving: 0, unread: 0 });

describe('what signing out would lose', () => {
  it('is nothing where nothing is here alone', () => {
    const nothing = { count: 0, groups: [] };
    expect([unsentHere(null), unsentHere(home(group('Pat', {})))]).toEqual([{ leaving: nothing, staying: nothing }, { leaving: nothing, staying: nothing }]);
  });
  it('is told by group, apart for what leaves by waiting and what does not', () => {
    const { leaving, staying } = unsentHere(home(group('Pat', { waiting: 3, stuck: 1, drafts: 1 }), group('Ward 4', { drafts: 2 }), group('Gone', { waiting: 1, stuck: 1, ended: 'removed' }), group('Quiet', {})));
    expect([leaving.count, leaving.groups.map((g) => [g.name, g.words])]).toEqual([2, [['Pat', '2 waiting to be sent']]]);
    expect([staying.count, staying.groups.map((g) => [g.name, g.words])]).toEqual([5, [['Pat', '1 not sent · 1 draft'], ['Ward 4', '2 drafts'], ['Gone', '1 not sent']]]);
  });
});
