/** What a second client or relay has to know by number or by word stands in the document as it stands in the code. */
import { describe, expect, it } from 'vitest';
import { REFUSAL_CODES } from '../../../crypto/frames';
import { LABEL } from '../../../crypto/labels';
import { toText } from '../../../crypto/bytes';
import { LIMIT } from '../../../crypto/limits';
import { RATE } from '../../../relay/limits';
import { DOCUMENT, rows, section } from '../../vectors/naive/words';

/** Rows of the table of limits, which has two side by side. */
const LIMITS = rows(section('4')).flatMap(([what, limit, , more, also]) => [[what, limit], [more, also]] as [string, string][]);
const PACES = rows(section('11.9')) as [string, string, string][];
const inRow = (table: readonly (readonly string[])[], what: string): string[] => (table.find(([w]) => (w as string).startsWith(what))?.[1] ?? `no row “${what}”`).split('; ').map((x) => x.replace(/ (asked for|decoded).*$/, ''));

/** Where each limit stands, and which number of the row it is. */
const LIMIT_ROWS: Record<keyof typeof LIMIT, readonly [what: string, at?: number]> = {
  frame: ['frame'], frameBeforeAuth: ['frame before a key was proven'], envelope: ['envelope'], plaintext: ['plaintext of an envelope'], blobsPerEnvelope: ['blob ids in an envelope'], entry: ['entry'],
  display: ['display data'], lockbox: ['lockbox'], want: ['want'], keys: ['answer to a want'], card: ['card'], request: ['request'], answer: ['answer'], item: ['item of a personal vault'],
  items: ['items of a personal vault'], meetItems: ['items of a personal vault', 1], requestsPerInvite: ['requests waiting under one invite'], devices: ['live ordinary rows of a group'],
  devicesPerMember: ['live ordinary rows of a member'], roster: ['heads in a standing'], invites: ['pending, unexpired invites'], place: ['address of a push service'], blob: ['blob ciphertext'], carriedPart: ['part of a history'],
  carriedParts: ['parts of a history'], carriedItems: ['parts of a history', 1], page: ['items in a page, answer or push'], pageBytes: ['bytes of items in a page']
};

/** Where each pace of the relay stands in the table of §11.9, or in which section in words. */
const RATE_ROWS: Partial<Record<keyof typeof RATE, readonly [what: string, at?: number]>> = {
  framesAtOnce: ['frames of a connection'], framesPerSecond: ['frames of a connection', 1], entries: ['entries of a member'], entriesByOwner: ['entries of a member', 1], recovery: ['entries of recovery rows'], recoveryByOwner: ['entries of recovery rows', 1], begun: ['vaults and meetings'], items: ['vaults and meetings', 1], begunFrom: ['vaults, and as many meetings'], itemsFrom: ['vaults, and as many meetings', 1],
  meetings: ['meetings at a time'], wants: ['wants; answers'], answers: ['wants; answers', 1], requests: ['requests under an invite'], bells: ['new addresses of push'], creates: ['groups put there'], createsFrom: ['groups put there', 1],
  permitsFrom: ['unknown permits'], roster: ['entries of a roster'], bytesAtOnce: ['bytes of envelopes of a member'], bytesPerSecond: ['bytes of envelopes of a member', 1], blobsHourly: ['attachments of a member', 1], uploads: ['attachments of a member'], downloads: ['attachments under way to a device'],
  comeAtOnce: ['new connections'], comePerSecond: ['new connections', 1], from: ['connections from one address'], malformed: ['frames that are unreadable'], coming: ['bytes of envelopes of a connection'], proofs: ['proofs of access'], reads: ['answers that the relay looks up'],
  unreadAsk: ['bytes that a device has not taken'], unread: ['bytes that a device has not taken', 1], unreadByAll: ['bytes that a device has not taken', 2], staged: ['bytes of lockboxes'], stagedByAll: ['bytes of lockboxes', 1]
};
const RATE_WORDS: Partial<Record<keyof typeof RATE, readonly [section: string, words: string]>> = {
  meet: ['18.2', '15 minutes'], bellAfter: ['11.7', 'at least 10 s'], bellGap: ['11.7', '10 minutes later'], bellTries: ['11.7', 'up to four times'], bellAgain: ['11.7', 'after 30 s'], bellLongest: ['11.7', 'at most an hour'], bellAnswer: ['11.7', 'in 8 s'],
  bellKept: ['11.7', 'TTL 86400'], bearer: ['11.1', 'a day after it was given'], bearerBefore: ['11.1', '23 hours old'], proofsShown: ['11.6', 'eight places of a group'], proofShown: ['11.6', 'once in a minute'], comeAgain: ['11.9', 'Retry-After: 30'],
  proveWithin: ['11.1', 'in 5 s'], idle: ['11.9', 'each 75 s'], stalled: ['11.9', 'for 10 minutes is ended'], hold: ['11.3', 'held for 60 s'], blobUnnamed: ['14', 'after 48 hours'], blobGoing: ['14', 'for the 10 minutes'], answer: ['11.3', 'after 30 days'], healWithOwner: ['11.6', '24 hours have passed'], healWithout: ['11.6', '7 days']
};
const WORDS_SAY: Partial<Record<keyof typeof RATE, number>> = {
  meet: 15 * 60_000, bellAfter: 10_000, bellGap: 600_000, bellTries: 5, bellAgain: 30_000, bellLongest: 3_600_000, bellAnswer: 8_000, bellKept: 86_400, bearer: 86_400_000, bearerBefore: 3_600_000, proofsShown: 8, proofShown: 60_000, comeAgain: 30, proveWithin: 5_000,
  idle: 75_000, stalled: 600_000, hold: 60_000, blobUnnamed: 48 * 3_600_000, blobGoing: 600_000, answer: 30 * 86_400_000, healWithOwner: 24 * 3_600_000, healWithout: 7 * 24 * 3_600_000
};
/** The relay's own affair: nobody who speaks with it can tell. */
const UNSEEN: readonly (keyof typeof RATE)[] = ['bellAtOnce', 'bellWaiting', 'awayAtOnce', 'comingWait', 'idleGroups', 'strayAfterRestore'];

describe('the document has', () => {
  it('every limit of both sides', () => {
    expect(Object.fromEntries(Object.entries(LIMIT_ROWS).map(([name, [what, at = 0]]) => [name, Number(inRow(LIMITS, what)[at])]))).toEqual(LIMIT);
  });

  it('every pace of the relay', () => {
    for (const [name, [what, at = 0]] of Object.entries(RATE_ROWS)) expect([name, Number(inRow(PACES, what)[at])]).toEqual([name, RATE[name as keyof typeof RATE]]);
    for (const [name, [where, words]] of Object.entries(RATE_WORDS)) {
      expect(section(where), name).toContain(words);
      expect([name, WORDS_SAY[name as keyof typeof RATE]]).toEqual([name, RATE[name as keyof typeof RATE]]);
    }
    expect([...Object.keys(RATE_ROWS), ...Object.keys(RATE_WORDS), ...UNSEEN].sort()).toEqual(Object.keys(RATE).sort());
  });

  it('every label at the place where it is used', () => {
    const used = new Set([...DOCUMENT.matchAll(/(?:label|H|Sign|MAC)\((?:label\()?([a-z-]+)\b/g)].map((m) => m[1]));
    // texts of §15.8 are signed under their kind
    for (const [kind] of rows(section('15.8'))) used.add(kind as string);
    expect(Object.values(LABEL).map((l) => /^carefold\/(.*)\/1\0$/.exec(toText(l) as string)?.[1]).filter((name) => !used.has(name))).toEqual([]);
  });

  it('every refusal with its code', () => {
    expect(Object.fromEntries(rows(section('12.3')).map(([code, why]) => [why, Number(code)]))).toEqual(REFUSAL_CODES);
  });
});
