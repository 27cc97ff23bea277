import { describe, expect, it } from 'vitest';
import { initials } from '$lib/ui/initials';
import { connectionMore, connectionWords } from '$lib/ui/connection';
import { familyName, firstName, peopleWords } from '$lib/ui/home/words';
import { sizeWords } from '$lib/ui/size';

describe('words for people', () => {
  it.each([['Pat Moreno', 'PM'], ['Dr Tobi Okafor', 'TO'], ['Ángela', 'Á'], ['  ', '?'], ['Dr', 'D'], ['Lena Maria Kovač', 'LK'], ['Tom 👨‍👩‍👧', 'T'], ['🙂 Fay Moreno ❤️', 'FM'], ['Ward 4', 'W4'], ['👨‍👩‍👧', '👨‍👩‍👧']])('%s has the initials %s', (name, letters) => {
    expect(initials(name)).toBe(letters);
  });
  it('uses the first name, and the last one behind a title', () => {
    expect([firstName('Pat Moreno'), firstName('Dr Tobi Okafor'), firstName('Mr Lindqvist'), firstName('Dr')]).toEqual(['Pat', 'Dr Okafor', 'Mr Lindqvist', 'Dr']);
  });
  it('names up to four people and counts the rest', () => {
    expect(peopleWords([])).toBe('');
    expect(peopleWords(['Pat Moreno', 'Fay Moreno', 'Ann Novak', 'Lena Kovač', 'Dr Tobi Okafor'])).toMatch(/Pat, Fay, Ann,? and 2 others/);
  });
  it('proposes the name of a family group', () => expect(familyName(' Pat Moreno ')).toBe('Pat Moreno’s Family Treatment Updates'));
});

describe('words for the connection', () => {
  const view = { state: 'online', since: null, waiting: 0, halted: 0, unbegun: 0, lacking: 0, reading: 0, lastSynced: null } as const;
  it('never say up to date while something waits', () => {
    expect(connectionWords(view).short).toBe('Up to date');
    expect(connectionWords({ ...view, waiting: 2 }).short).toBe('Sending 2');
    expect(connectionWords({ ...view, state: 'connecting', waiting: 1 }).short).toBe('Connecting · 1 waiting');
    expect(connectionWords({ ...view, state: 'offline', waiting: 3 }).short).toBe('Offline · 3 waiting');
  });
  it('never say up to date or sending while a group is kept from its server', () => {
    const words = { ...view, halted: 1 };
    expect([connectionWords(words).short, connectionWords({ ...words, waiting: 1 }).short]).toEqual(['1 group waits', '1 group waits']);
    expect(connectionMore(words)[0]).toMatch(/can’t be sent now/);
  });
  it('never say up to date while a group lacks something here', () => {
    const words = { ...view, lacking: 1 };
    expect([connectionWords(words).short, connectionWords({ ...words, waiting: 2 }).short]).toEqual(['Online', 'Sending 2']);
    expect(connectionMore(words)[1]).toMatch(/still missing/);
    expect(connectionMore({ ...words, state: 'offline' }).join()).not.toMatch(/still missing/);
  });
  it('say that a group waits for a permit, unless something else is worse or on its way', () => {
    const words = { ...view, unbegun: 1 };
    expect([words, { ...words, waiting: 2 }, { ...words, halted: 1 }].map((w) => connectionWords(w).short)).toEqual(['Needs a permit', 'Sending 2', '1 group waits']);
    expect(connectionMore(words)[0]).toMatch(/only with a permit/);
  });
  it('never say up to date while a group is on its way or being brought up to date', () => {
    const words = { ...view, reading: 1 };
    expect([connectionWords(words).short, connectionWords({ ...words, waiting: 2 }).short]).toEqual(['Getting updates', 'Sending 2']);
    expect(connectionMore(words)[0]).toMatch(/on its way/);
  });
  it('leave out when all was here last where that is not known', () => expect(connectionMore({ ...view, state: 'offline' })).toHaveLength(1));
});

describe('words for sizes', () => {
  it.each([[0, '0 byte'], [48_000_000, '48 MB'], [2_000_000_000, '2 GB'], [1_540_000_000, '1.5 GB']])('%d bytes', (bytes, words) => expect(sizeWords(bytes)).toBe(words));
});
