/**
 * Linking a device (PROTOCOL §18), as either side. Everything said before the numbers were compared lives in memory and ends with the
 * worker; from then on each side keeps what it needs to go on after a cut.
 */
import type { Bytes, Hash } from '$crypto/brand';
import { equal, hex } from '$crypto/bytes';
import { type KemPair, kemPair } from '$crypto/lockbox';
import {
  commitTo, isCommitted, LINK_SECRET, linkCode, linkNumber, linkSecret, type Opening, openHalf, openWords, sealHalf, sealWords, sessionKey, transcript
} from '$crypto/linking';
import type { DraftVault } from '../vault/vault';
import type { Seen } from '../store/sealed';
import type { Change } from '../store/store';
import { lockAfter } from './commands-kit';
import { awaiting, claimOf } from './arrivals';
import type { Core } from './core';
import { brought, putCredentials } from './credentials';
import { knownKey, type KnownRow, newPerson } from './devices';
import { drop, put, readSeen } from './group-rows';
import { CLAIMS_IN_ITEM, encodeLinkWords, GROUPS_IN_PART, GROUPS_MOST, type LinkedPerson, type LinkWords, type OfferedGroup, ORGANISATIONS_IN_PART, ORGANISATIONS_MOST, parseLinkWords } from './link-words';
import { Meeting, type MeetFault, type MeetItem } from './meeting';
import { putOrganisations } from './organisations';
import { putPhrase } from './personal';
import type { LinkFault, LinkSide, LinkView } from './port';
import { awaitKey } from './restore';
import { Turns } from './turns';

const LIFE = 15 * 60_000;
const POLL = 700;
const ONLINE_WITHIN = 10_000;

/** Table `meta`: what goes on after a cut. The code and the session key open this meeting, and nothing once it is over. */
interface LinkRow {
  readonly side: LinkSide;
  readonly secret: Bytes;
  readonly session: Bytes;
  readonly until: number;
  readonly of: number;
  /** Whether this side said all it had to: what it offers, or what it claims. */
  readonly sent: boolean;
}
const ROW = 'link';

/** Both openings are known. */
interface Met { readonly of: Opening; readonly live: Opening; readonly t: Hash; readonly half: Bytes | null }

export class Linking {
  view: LinkView = { state: 'idle' };
  private readonly turns = new Turns();
  private meeting: Meeting | null = null;
  private secret: Bytes = new Uint8Array(0);
  private side: LinkSide = 'new';
  private until = 0;
  private mine: { readonly opening: Opening; readonly pair: KemPair; readonly half: Bytes } | null = null;
  private met: Met | null = null;
  private session: Bytes | null = null;
  private row: LinkRow | null = null;
  /** The vault that a bare device will have. */
  private draft: DraftVault | null = null;
  private parts: Part[] = [];
  private taken = new Set<string>();
  /** Counts linkings, so that what was waiting for an older one does nothing. */
  private round = 0;

  constructor(private readonly core: Core) {}

  // ------------------------------------------------------------------------------------------------- commands

  /** On a bare device: begins a meeting and shows its code. */
  begin(draft: DraftVault, name: string): Promise<void> {
    return this.turns.take(async () => {
      this.start('new', this.core.ports.random(LINK_SECRET));
      this.draft = draft;
      this.core.link.start();
      if (!(await this.online())) return this.fail('needs-network');
      const mine = this.introduce(name);
      const fault = await this.need().say(() => ({ is: 'commit', commit: commitTo(mine.opening) }));
      if (fault !== null) return this.fail(fault === 'crowded' ? 'too-many' : 'needs-network');
      this.until = this.core.ports.clock() + LIFE;
      this.to({ state: 'showing', code: linkCode(this.secret), expires: this.until });
      this.poll();
    });
  }
  /** On a live device: answers whoever shows the code. */
  readCode(code: string): Promise<void> {
    return this.turns.take(async () => {
      const secret = linkSecret(code);
      this.start('live', secret ?? new Uint8Array(LINK_SECRET));
      if (secret === null) return this.fail('bad-code');
      if (this.core.link.state !== 'online') return this.fail('needs-network');
      const said = await this.need().read();
      if (typeof said === 'string') return this.fail(said === 'ended' ? 'expired' : said === 'odd' ? 'bad-code' : 'needs-network');
      // somebody answered already: this code is used up
      if (said.length !== 1 || said[0]?.words.is !== 'commit') return this.fail('expired');
      const mine = this.introduce(this.core.person?.name ?? '');
      const fault = await this.need().say(() => ({ is: 'answer', opening: mine.opening }));
      if (fault !== null) return this.fail(why(fault));
      this.until = this.core.ports.clock() + LIFE;
      this.poll();
    });
  }
  /** The numbers are the same, says the person on the live device. */
  approve(): Promise<boolean> {
    return this.turns.take(async () => {
      const { met, mine, view, core } = this;
      if (view.state !== 'compare' || view.side !== 'live' || met === null || mine === null || met.half === null) return false;
      const { random } = core.ports;
      const theirs = openHalf(mine.pair, met.t, 'new', met.half);
      if (!theirs.ok) return this.fail('bad-code'), true;
      const half = random(32);
      const fault = await this.need().say(() => ({ is: 'approve', half: sealHalf(met.of.kem, met.t, 'live', half, random) }));
      if (fault !== null) return this.fail(why(fault)), true;
      this.session = sessionKey(met.t, theirs.value, half);
      const groups = this.offered();
      core.adoptions.begin();
      this.to({ state: 'joining', done: 0, of: groups.length, side: 'live' });
      await this.keep({ side: 'live', secret: this.secret, session: this.session, until: this.until, of: groups.length, sent: false });
      const parts = this.partsOf(groups);
      for (const [i, part] of parts.entries()) {
        const lost = await this.tell({ ...part, last: i === parts.length - 1 });
        if (lost !== null) return await this.stop(why(lost)), true;
      }
      await this.keep({ ...(this.row as LinkRow), sent: true });
      return true;
    });
  }
  /** The numbers differ, or the person thought better of it. */
  refuse(): Promise<boolean> {
    return this.turns.take(async () => {
      if (this.view.state !== 'compare') return false;
      await this.meeting?.say(() => ({ is: 'stop' }));
      await this.over();
      this.to({ state: 'idle' });
      return true;
    });
  }
  /** Puts the view away; what the numbers were not compared for yet ends. */
  cancel(): Promise<void> {
    return this.turns.take(async () => {
      const isBefore = this.row === null;
      if (isBefore && this.meeting !== null && this.core.link.state === 'online' && this.view.state !== 'failed') await this.meeting.say(() => ({ is: 'stop' }));
      if (isBefore) await this.over();
      this.to({ state: 'idle' });
    });
  }

  // -------------------------------------------------------------------------------------------- after a restart

  load(meta: Seen): void {
    const row = readSeen<LinkRow>(meta, ROW);
    // the linking that made this vault goes on as it is
    if (row === null || this.row !== null) return;
    this.start(row.side, row.secret);
    Object.assign(this, { session: row.session, row, until: row.until });
    this.progress();
    this.poll();
  }
  forget(): void {
    this.round++;
    Object.assign(this, { meeting: null, row: null, session: null, draft: null, met: null, mine: null, parts: [], view: { state: 'idle' } });
  }
  /** Groups came, or were given up: shown while somebody looks. */
  progress(): void {
    const { row, core } = this;
    if (row === null) return;
    if (row.side === 'new') {
      const left = core.arrivals.awaitedSoon;
      if (left > 0) return this.to({ state: 'joining', done: Math.max(0, row.of - left - this.full), of: row.of, side: 'new' });
      const groups = Math.max(0, row.of - this.full);
      void this.over().then(() => this.to({ state: 'done', groups, full: this.full, side: 'new' }), (e: unknown) => core.failed(e));
    } else this.to({ state: 'joining', done: core.adoptions.added.size, of: row.of, side: 'live' });
  }
  private full = 0;

  // ------------------------------------------------------------------------------------------------- the meeting

  private start(side: LinkSide, secret: Bytes): void {
    const { link, ports } = this.core;
    this.forget();
    Object.assign(this, { side, secret, full: 0, taken: new Set<string>(), until: ports.clock() + LIFE, meeting: new Meeting({ link, host: ports.host, random: ports.random }, secret, side) });
  }
  private need(): Meeting {
    if (this.meeting === null) throw new Error('nobody is being linked');
    return this.meeting;
  }
  private introduce(name: string): NonNullable<Linking['mine']> {
    const { random } = this.core.ports;
    const pair = kemPair(random(32));
    const relayPk = this.core.link.hello?.relayPk;
    if (relayPk === undefined) throw new Error('not online');
    return (this.mine = { opening: { nonce: random(32), kem: pair.pk, relayPk, name }, pair, half: random(32) });
  }
  private async online(): Promise<boolean> {
    for (let waited = 0; this.core.link.state !== 'online' && waited < ONLINE_WITHIN; waited += 100) await new Promise<void>((r) => this.core.ports.later(100, r));
    return this.core.link.state === 'online';
  }
  private poll(): void {
    const round = this.round;
    this.core.ports.later(POLL, () => {
      if (round !== this.round || this.core.out !== null) return;
      void this.turns
        .take(async () => {
          if (round === this.round && this.meeting !== null) await this.step();
        })
        .catch((e: unknown) => this.core.failed(e))
        .finally(() => {
          if (round === this.round && this.meeting !== null) this.poll();
        });
    });
  }

  private async step(): Promise<void> {
    const said = await this.need().read();
    const isLate = this.core.ports.clock() > this.until;
    if (said === 'lost' && !isLate) return;
    if (said === 'odd') return this.stop('bad-code');
    if (typeof said === 'string') return this.ended();
    if (this.session === null) await this.meet(said);
    if (this.session !== null) await this.hear(said);
    if (isLate && this.meeting !== null) await this.ended();
  }
  /** The meeting is over. What was claimed goes on without it. */
  private async ended(): Promise<void> {
    if (this.row === null) return this.stop('expired');
    this.meeting = null;
    if (this.row.side === 'new' && !this.row.sent) {
      // nobody was asked for anything: nothing half-made stays
      await this.core.bare();
      return this.to({ state: 'failed', why: 'expired', side: 'new' });
    }
    if (this.row.side === 'new') return this.progress();
    await this.over();
    if (this.taken.size === 0 && this.row === null) this.to({ state: 'failed', why: 'expired', side: 'live' });
    else this.to(this.result());
  }

  /** Up to the approval: each item in its place, by its side. */
  private async meet(said: readonly MeetItem[]): Promise<void> {
    const [first, second, third, fourth] = said;
    if (said.some((x) => x.words.is === 'stop' && x.side !== this.side)) return this.stop('refused');
    const answer = second?.side === 'live' && second.words.is === 'answer' ? second.words : null;
    const reveal = third?.side === 'new' && third.words.is === 'reveal' ? third.words : null;
    if ((second !== undefined && answer === null) || (third !== undefined && reveal === null)) return this.stop('bad-code');
    const { mine } = this;
    if (mine === null || answer === null || first?.words.is !== 'commit') return;
    if (this.side === 'new') {
      if (this.met === null) {
        const t = transcript(this.need().keys.id, mine.opening, answer.opening);
        if (!equal(answer.opening.relayPk, mine.opening.relayPk)) return this.stop('other-relay');
        const fault = await this.need().say(() => ({ is: 'reveal', opening: mine.opening, half: sealHalf(answer.opening.kem, t, 'new', mine.half, this.core.ports.random) }));
        if (fault !== null) return fault === 'lost' ? undefined : this.stop(why(fault));
        this.met = { of: mine.opening, live: answer.opening, t, half: null };
        return this.compare(answer.opening.name);
      }
      if (fourth === undefined) return;
      const half = fourth.side === 'live' && fourth.words.is === 'approve' ? openHalf(mine.pair, this.met.t, 'live', fourth.words.half) : null;
      if (half === null || !half.ok) return this.stop('bad-code');
      this.session = sessionKey(this.met.t, mine.half, half.value);
      return;
    }
    if (this.met !== null || reveal === null) return;
    // somebody else answered first, or shows a key that was not committed to
    if (commitOf(first) === null || !isCommitted(commitOf(first) as Hash, reveal.opening) || !equal(commitTo(answer.opening), commitTo(mine.opening))) return this.stop('bad-code');
    if (!equal(reveal.opening.relayPk, mine.opening.relayPk)) return this.stop('other-relay');
    const t = transcript(this.need().keys.id, reveal.opening, mine.opening);
    this.met = { of: reveal.opening, live: mine.opening, t, half: reveal.half };
    this.compare(reveal.opening.name);
  }
  private compare(name: string): void {
    this.to({ state: 'compare', number: linkNumber((this.met as Met).t), name: name.slice(0, 120), side: this.side });
  }

  /** From the approval on: words under the session key. */
  private async hear(said: readonly MeetItem[]): Promise<void> {
    for (const item of said) {
      if (item.side === this.side) continue;
      if (item.words.is === 'stop' && this.row === null) return this.stop('refused');
      if (item.words.is !== 'sealed' || this.taken.has(String(item.n))) continue;
      const opened = openWords(this.session as Bytes, this.need().keys.id, item.n, item.side, item.words.sealed);
      const words = opened.ok ? parseLinkWords(opened.value) : null;
      this.taken.add(String(item.n));
      if (words !== null) await (this.side === 'new' ? this.hearLive(words) : this.hearNew(words));
      if (this.meeting === null) return;
    }
    if (this.row?.side === 'new') await this.claim(said);
    if (this.row?.side === 'live') await this.answerClaims(said);
  }

  // ------------------------------------------------------------------------------------------------ the new device

  private async hearLive(w: LinkWords): Promise<void> {
    if (w.is === 'end' && this.row !== null) return this.isFull(w.full.map(hex));
    if (w.is !== 'part' || this.row !== null) return;
    this.parts = [...this.parts, w];
    const person = this.parts[0]?.person ?? null;
    if (w.last && person !== null) await this.becomeSomebody(person);
  }
  /** Everything that came, and fresh keys for every group, are stored before a word of them goes out. */
  private async becomeSomebody(p: LinkedPerson): Promise<void> {
    const { core } = this;
    const groups = this.parts.flatMap((x) => x.groups).filter((g) => this.core.link.speaksFor(g.relayPk));
    const row: LinkRow = { side: 'new', secret: this.secret, session: this.session as Bytes, until: this.until, of: groups.length, sent: false };
    const rows: Change[] = groups.flatMap((g) => {
      const ref = core.newRef();
      return [put('meta', awaitKey(ref), awaiting(g, core.ports)), put('meta', knownKey(ref), { logPk: g.adder, device: p.device, name: p.deviceName } satisfies KnownRow)];
    });
    const known = groups.flatMap((g) => (g.recovery === null ? [] : [hex(g.recovery)]));
    const credentials = brought(this.parts.find((x) => x.credentials !== undefined)?.credentials, p.seed, core.ports.clock());
    const organisations = this.parts.flatMap((x) => x.organisations ?? []).reverse();
    if (credentials !== null) rows.push(putCredentials(credentials));
    if (organisations.length > 0) rows.push(putOrganisations(organisations));
    if (p.phrase !== null) rows.push(putPhrase({ ...p.phrase, isProfileThere: true, known, ...(credentials === null ? {} : { credentialsAt: credentials.at }) }));
    const name = this.mine?.opening.name ?? '';
    const draft = this.draft as DraftVault;
    this.draft = null;
    this.row = row;
    const fault = await core.make(draft, { name: p.name, role: p.role, lockAfter: lockAfter(p.role) }, newPerson(core.ports.random, name, p.seed), [...rows, put('meta', ROW, row)]);
    if (fault !== null) {
      this.row = null;
      return this.stop('refused');
    }
    this.progress();
  }
  /** Claims what was not claimed yet, in as many items as it takes. */
  private async claim(said: readonly MeetItem[]): Promise<void> {
    const { core } = this;
    const mine = this.words(said, 'new').flatMap((w) => (w.is === 'claims' ? w.rows.map((r) => hex(r.logPk)) : []));
    const rows = [...core.arrivals.awaited.values()].map(claimOf).filter((r) => !mine.includes(hex(r.logPk)));
    for (let i = 0; i < rows.length; i += CLAIMS_IN_ITEM) {
      if ((await this.tell({ is: 'claims', device: core.person?.device as Bytes, rows: rows.slice(i, i + CLAIMS_IN_ITEM) })) !== null) return;
    }
    if (this.row !== null && !this.row.sent) await this.keep({ ...this.row, sent: true });
    if (rows.length > 0) void core.arrivals.bring().catch((e: unknown) => core.failed(e));
  }
  private async isFull(groups: readonly string[]): Promise<void> {
    const { core } = this;
    const gone = [...core.arrivals.awaited].filter(([, g]) => groups.includes(hex(g.id)));
    this.full = gone.length;
    await core.needStore().commit(gone.map(([ref]) => drop('meta', awaitKey(ref))));
    for (const [ref] of gone) core.arrivals.awaited.delete(ref);
    this.progress();
  }

  // ----------------------------------------------------------------------------------------------- the live device

  private offered(): OfferedGroup[] {
    const { groups, personal, link } = this.core;
    const live = [...groups.values()].filter((g) => g.row.ended === null && g.stored && g.alarm !== 'fork' && g.row.relayPk !== null && link.speaksFor(g.row.relayPk));
    return live.sort((a, b) => b.row.made - a.row.made).slice(0, GROUPS_MOST).map((g) => ({ id: g.row.id, relayPk: g.row.relayPk as OfferedGroup['relayPk'], tag: g.row.tag, adder: g.keys.logPk, recovery: personal.coveringKey(g) }));
  }
  /** The person with the first groups, the others, and then what is of no group. */
  private partsOf(groups: readonly OfferedGroup[]): Part[] {
    const { said } = this.core.credentials;
    const accepted = this.core.organisations.accepted.slice(0, ORGANISATIONS_MOST);
    const bare: Part = { is: 'part', person: null, groups: [], last: false };
    const [first, ...rest] = inParts(groups, GROUPS_IN_PART);
    return [
      { ...bare, person: this.person(), groups: first ?? [] }, ...rest.map((some) => ({ ...bare, groups: some })),
      ...(said === null ? [] : [{ ...bare, credentials: said }]), ...inParts(accepted, ORGANISATIONS_IN_PART).map((organisations) => ({ ...bare, organisations }))
    ];
  }
  private person(): LinkedPerson {
    const { profile, person, personal } = this.core;
    if (person === null) throw new Error('nothing is open');
    return { name: profile.name, role: profile.role, seed: person.seed, device: person.device, deviceName: person.name, phrase: personal.shared };
  }
  private async hearNew(w: LinkWords): Promise<void> {
    if (w.is !== 'claims') return;
    const name = this.met?.of.name ?? '';
    for (const r of w.rows) {
      const run = [...this.core.groups.values()].find((g) => equal(g.row.id, r.id) && g.row.ended === null);
      if (run === undefined || !(await this.core.adoptions.take(run, r, { device: w.device, name: name.slice(0, 120) }))) continue;
      this.core.inGroupTurn(run, () => this.core.settle(run));
    }
    this.progress();
  }
  private isOffered(said: readonly MeetItem[]): boolean {
    return this.words(said, 'live').some((w) => w.is === 'part' && w.last);
  }
  /** Once every group is settled, says so. */
  private async answerClaims(said: readonly MeetItem[]): Promise<void> {
    const { row, core } = this;
    if (row === null) return;
    if (!row.sent && !this.isOffered(said)) return this.stop('expired');
    const { added, full } = core.adoptions;
    this.progress();
    if (added.size + full.size < row.of) return;
    if ((await this.tell({ is: 'end', full: [...full.values()] })) === 'lost') return;
    await this.over();
    this.to(this.result());
  }
  private result(): LinkView {
    const { added, full } = this.core.adoptions;
    return added.size === 0 && full.size > 0 ? { state: 'failed', why: 'too-many', side: 'live' } : { state: 'done', groups: added.size, full: full.size, side: 'live' };
  }

  // --------------------------------------------------------------------------------------------------------- both

  /** What one side said under the session key. */
  private words(said: readonly MeetItem[], side: LinkSide): LinkWords[] {
    return said.flatMap((x) => {
      const opened = x.side === side && x.words.is === 'sealed' ? openWords(this.session as Bytes, this.need().keys.id, x.n, side, x.words.sealed) : null;
      return (opened?.ok === true ? parseLinkWords(opened.value) : null) ?? [];
    });
  }
  private tell(w: LinkWords): Promise<MeetFault | null> {
    const { keys } = this.need();
    const plain = encodeLinkWords(w);
    return this.need().say((n) => ({ is: 'sealed', sealed: sealWords(this.session as Bytes, keys.id, n, this.side, plain, this.core.ports.random) }));
  }
  private async keep(row: LinkRow): Promise<void> {
    await this.core.needStore().commit([put('meta', ROW, row)]);
    this.row = row;
  }
  /** Ends it with words for the person, here and there. */
  private async stop(why: LinkFault): Promise<void> {
    if (why !== 'refused') await this.meeting?.say(() => ({ is: 'stop' }));
    await this.over();
    this.to({ state: 'failed', why, side: this.side });
  }
  private fail(why: LinkFault): void {
    const { side } = this;
    this.forget();
    this.bareAgain();
    this.to({ state: 'failed', why, side });
  }
  private async over(): Promise<void> {
    if (this.row !== null) await this.core.needStore().commit([drop('meta', ROW)]);
    const { view } = this;
    this.forget();
    this.view = view;
    this.bareAgain();
  }
  /** A device that is still nobody’s needs no line to the relay. */
  private bareAgain(): void {
    if (this.core.phase === 'new') this.core.link.stop();
  }
  private to(view: LinkView): void {
    this.view = view;
    this.core.views.touch('link', null);
  }
}

type Part = Extract<LinkWords, { is: 'part' }>;
const inParts = <T>(all: readonly T[], most: number): (readonly T[])[] => Array.from({ length: Math.ceil(all.length / most) }, (_, i) => all.slice(i * most, (i + 1) * most));
const commitOf = (item: MeetItem | undefined): Hash | null => (item?.words.is === 'commit' ? item.words.commit : null);
const why = (fault: MeetFault): LinkFault => (fault === 'ended' ? 'expired' : fault === 'odd' ? 'bad-code' : fault === 'crowded' ? 'too-many' : 'needs-network');
