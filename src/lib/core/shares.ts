/**
 * Groups that come later (PROTOCOL §15.7): the device that makes or joins one offers it, in a log of a group that they share, to the other
 * devices of its person; each answers there with a claim, and is added as when it was linked.
 */
import { openDeviceShare, sealDeviceShare } from '$crypto/device-name';
import type { Bytes } from '$crypto/brand';
import { base64url, equal, fromText, hex, unbase64url, unhex } from '$crypto/bytes';
import { hash } from '$crypto/hash';
import { LABEL } from '$crypto/labels';
import { rowByDevice, rowsOf } from '$crypto/roster/state';
import type { Seen } from '../store/sealed';
import type { Change } from '../store/store';
import { claimOf } from './arrivals';
import type { Core } from './core';
import { knownKey, type KnownRow, ownedRows, type Said, said } from './devices';
import type { GroupRun } from './group-run';
import { put, readAllSeen } from './group-rows';
import { encodeLinkWords, type LinkWords, parseLinkWords, type PhraseWords } from './link-words';
import { awaitKey } from './restore';
import { pump, say } from './send';

/** Table `meta`: what was heard in a group, and to whom a group was offered. */
const HEARD = 'heard/';
const OFFERED = 'offered/';
const HEARD_MOST = 100;
/** A device that has said who it is. */
const NAMED = /^[0-9a-f]{32}$/;

const markOf = (s: string): string => base64url(hash(LABEL.deviceShare, fromText(s)).slice(0, 16));

export class Shares {
  private readonly heard = new Map<string, readonly string[]>();
  private readonly offered = new Map<string, readonly string[]>();

  constructor(private readonly core: Core) {}

  load(meta: Seen): void {
    for (const { key, value } of readAllSeen<string[]>(meta, HEARD)) this.heard.set(key.slice(HEARD.length), value);
    for (const { key, value } of readAllSeen<string[]>(meta, OFFERED)) this.offered.set(key.slice(OFFERED.length), value);
  }
  forget(): void {
    this.heard.clear();
    this.offered.clear();
  }
  isDue(run: GroupRun): boolean {
    const heard = this.heard.get(run.ref) ?? [];
    return run.feed.index.shares.some((x) => x.device !== run.ownRow?.device && !heard.includes(markOf(x.s)));
  }

  /** Hears what other devices of this person said here, then offers this group to those who lack it. Inside the group's turn. */
  async settle(run: GroupRun): Promise<void> {
    const { person } = this.core;
    if (person === null) return;
    for (const { device, s } of run.feed.index.shares) {
      const row = rowByDevice(run.state, device);
      const heard = this.heard.get(run.ref) ?? [];
      if (row === null || row.end !== null || equal(row.logPk, run.keys.logPk) || heard.includes(markOf(s))) continue;
      const opened = openDeviceShare(person.seed, run.row.id, row.logPk, unbase64url(s) ?? new Uint8Array(0));
      const words = opened.ok ? parseLinkWords(opened.value) : null;
      const now = [...heard, markOf(s)].slice(-HEARD_MOST);
      const noted = put('meta', `${HEARD}${run.ref}`, now);
      const its = said(run, person, row);
      // a row that is to end is not heard, whatever its device says of itself
      const isLost = [its?.device ?? '', words?.is === 'claims' ? hex(words.device) : ''].some((d) => this.core.revocations.isLost(d)) || this.core.revocations.pending.has(hex(row.logPk));
      if (!isLost && words?.is === 'phrase' && !(await this.core.personal.hears(run, words))) continue;
      if (!isLost && words?.is === 'part') await this.claim(run, words, its, noted);
      if (!isLost && words?.is === 'claims') await this.adopt(words, its?.name ?? '');
      await this.core.needStore().commit([noted]);
      this.heard.set(run.ref, now);
    }
    await this.offer(run);
  }

  /** Asks for groups that were offered and are not here. The seeds are stored with the claim that goes out. */
  private async claim(run: GroupRun, w: Extract<LinkWords, { is: 'part' }>, by: Said | null, noted: Change): Promise<void> {
    const { core } = this;
    const offered = w.groups.filter((g) => !core.hasGroup(g) && core.link.speaksFor(g.relayPk));
    const coming = offered.map((g) => core.arrivals.asked(g));
    if (coming.length === 0) return;
    const rows = coming.map(({ row }) => claimOf(row));
    const known = by === null ? [] : coming.map(({ ref, row }) => ({ key: knownKey(ref), row: { logPk: row.adder, device: unhex(by.device) as Bytes, name: by.name } satisfies KnownRow }));
    await this.say(run, { is: 'claims', device: core.person?.device as Bytes, rows }, [noted, ...known.map((k) => put('meta', k.key, k.row)), ...coming.map(({ ref, row }) => put('meta', awaitKey(ref), row))]);
    core.known.push(...known.map((k) => k.row));
    for (const { ref, row } of coming) core.arrivals.awaited.set(ref, row);
    void core.arrivals.bring().catch((e: unknown) => core.failed(e));
  }
  private async adopt(w: Extract<LinkWords, { is: 'claims' }>, name: string): Promise<void> {
    for (const r of w.rows) {
      const of = [...this.core.groups.values()].find((g) => equal(g.row.id, r.id) && g.row.ended === null);
      if (of !== undefined && (await this.core.adoptions.take(of, r, { device: w.device, name }))) this.core.settleLater(of, 0);
    }
  }

  /** To devices that have said who they are in another group, and are not in this one. */
  private async offer(run: GroupRun): Promise<void> {
    const { core } = this;
    const { person } = core;
    if (person === null || run.row.relayPk === null || !run.stored) return;
    const offered = this.offered.get(run.ref) ?? [];
    const lost = new Set(core.ownedRows().filter((r) => core.revocations.pending.has(hex(r.row.logPk))).map((r) => r.device));
    const here = new Set(ownedRows([run], person, core.known).map((r) => r.device));
    const by = new Map<GroupRun, string[]>();
    const reached = new Set<string>();
    for (const r of core.ownedRows()) {
      const isOther = r.run !== run && !r.me && r.row.end === null && r.run.row.ended === null && r.run.synced;
      if (!isOther || !NAMED.test(r.device) || here.has(r.device) || lost.has(r.device) || offered.includes(r.device) || reached.has(r.device)) continue;
      reached.add(r.device);
      by.set(r.run, [...(by.get(r.run) ?? []), r.device]);
    }
    if (reached.size === 0) return;
    const words: LinkWords = { is: 'part', person: null, last: true, groups: [{ id: run.row.id, relayPk: run.row.relayPk, tag: run.row.tag, adder: run.keys.logPk, recovery: null }] };
    const now = [...offered, ...reached];
    for (const through of by.keys()) {
      await this.say(through, words, [put('meta', `${OFFERED}${run.ref}`, now)]);
      core.inGroupTurn(through, () => pump(through));
    }
    this.offered.set(run.ref, now);
  }

  /** Tells the other devices of this person, in this group, which phrase opens its recovery row. Inside the group's turn. */
  async tellPhrase(run: GroupRun, words: PhraseWords): Promise<void> {
    const others = rowsOf(run.state, run.me).filter((r) => r.rank === 'ordinary' && !equal(r.logPk, run.keys.logPk));
    if (this.core.person === null || others.length === 0) return;
    await this.say(run, words, []);
    await pump(run);
  }

  private async say(run: GroupRun, w: LinkWords, more: readonly Change[]): Promise<void> {
    const s = base64url(sealDeviceShare(this.core.person?.seed as Bytes, run.row.id, run.keys.logPk, encodeLinkWords(w), run.around.random));
    await say(run, (at) => ({ ...at, t: 'share', s }), more);
  }
}
