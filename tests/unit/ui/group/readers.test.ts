import { describe, expect, it } from 'vitest';
import type { PersonView } from '$lib/core/port';
import { inFours, readersOf, shortName } from '$lib/ui/group/readers';

const person = (name: string, more: Partial<PersonView> = {}): PersonView => ({
  member: name, name, role: 'clinician', relationship: '', owner: false, roles: { host: false, successor: false, representative: false }, me: false, since: 0, history: 'start', sameName: false, mark: '0000',
  invitedBy: null, cameOpen: false, verified: null, known: { state: 'unsaid', at: null, also: [] }, vouched: [], ended: null, ...more
});

describe('who will read', () => {
  it('counts the others who are still in the group', () => {
    const people = [person('Lena', { me: true }), person('Pat', { role: 'patient' }), person('Max', { ended: { how: 'left', at: 1 } })];
    expect(readersOf(people)).toMatchObject({ count: 1 });
  });

  it('brings to mind the last one who came in from outside', () => {
    const people = [person('Lena', { me: true }), person('Fay', { role: 'family', relationship: 'Daughter', since: 1 }), person('Ann', { role: 'family', relationship: 'Neighbour', since: 2 })];
    expect(readersOf(people).mind?.name).toBe('Ann');
  });

  it('names the only reader, whoever it is', () => {
    expect(readersOf([person('Lena', { me: true }), person('Pat', { role: 'patient' })]).mind?.name).toBe('Pat');
    expect(readersOf([person('Lena', { me: true }), person('Tobi'), person('Max')]).mind).toBeNull();
  });

  it('never brings oneself to mind', () => {
    expect(readersOf([person('Fay', { me: true, role: 'family', relationship: 'Daughter' })])).toEqual({ count: 0, mind: null });
  });

  it('reads a number four digits at a time', () => {
    expect(inFours('482109375510')).toBe('4821 0937 5510');
  });

  it('shortens a name without losing a title', () => {
    expect([shortName('Ann Novak'), shortName('Dr Tobi Okafor'), shortName('Cher')]).toEqual(['Ann', 'Dr Tobi', 'Cher']);
  });
});
