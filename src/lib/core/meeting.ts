/** A meeting of two devices at the relay (PROTOCOL §18.2): what was said, in order, and saying the next thing. It outlives connections. */
import type { Bytes, GroupId } from '$crypto/brand';
import { equal } from '$crypto/bytes';
import { decodeMeet, encodeMeet, meetKeys, type MeetKeys, type MeetSide, type MeetWords, openMeet, sealMeet } from '$crypto/linking';
import type { Random } from '$crypto/sodium';
import type { Hello, Link } from '../sync/link';
import { proveKey } from './prove';

export interface MeetItem { readonly n: number; readonly side: MeetSide; readonly words: MeetWords }
/** `ended`: over, or never begun. `odd`: something there was not said by who holds the code. `lost`: no answer; try again. */
export type MeetFault = 'ended' | 'crowded' | 'odd' | 'lost';

const TRIES = 4;

export class Meeting {
  readonly keys: MeetKeys;
  private said: MeetItem[] = [];
  private n = 0;
  private at: Hello | null = null;

  constructor(private readonly parts: { readonly link: Link; readonly host: string; readonly random: Random }, secret: Bytes, readonly side: MeetSide) {
    this.keys = meetKeys(secret);
  }

  /** Everything said so far, own words included; a fault when it can't be had. */
  async read(): Promise<readonly MeetItem[] | MeetFault> {
    if (!(await this.session())) return 'lost';
    for (;;) {
      const f = await this.parts.link.ask({ is: 'get-items', group: this.id, after: this.n });
      if (f?.is === 'refused' && f.why === 'ended') return 'ended';
      if (f?.is !== 'items') return 'lost';
      for (const item of f.items) {
        const opened = openMeet(this.keys, this.n + 1, item);
        const words = opened.ok ? decodeMeet(opened.value.plain) : null;
        if (!opened.ok || words === null || !words.ok) return 'odd';
        this.said = [...this.said, { n: ++this.n, side: opened.value.side, words: words.value }];
      }
      if (!f.more || f.items.length === 0) return this.said;
    }
  }

  /** Says something after everything said so far; `make` is given its number. Null when it is there. */
  async say(make: (n: number) => MeetWords): Promise<MeetFault | null> {
    for (let i = 0; i < TRIES; i++) {
      if (!(await this.session())) return 'lost';
      const n = this.n + 1;
      const words = make(n);
      const plain = encodeMeet(words);
      const f = await this.parts.link.ask({ is: 'put-item', group: this.id, n, item: sealMeet(this.keys, n, this.side, plain, this.parts.random) });
      if (f?.is === 'done') {
        this.said = [...this.said, { n, side: this.side, words }];
        this.n = n;
        return null;
      }
      if (f === null) continue;
      if (f.is !== 'refused') return 'lost';
      if (f.why === 'ended') return 'ended';
      if (f.why === 'crowded' || f.why === 'rate' || f.why === 'full') return 'crowded';
      if (f.why !== 'behind') return 'lost';
      // the answer to an earlier try may have been lost, or the other side was quicker
      const now = await this.read();
      if (typeof now === 'string') return now;
      const there = now.find((x) => x.n === n);
      if (there?.side === this.side && equal(encodeMeet(there.words), plain)) return null;
    }
    return 'lost';
  }

  private get id(): GroupId {
    return this.keys.id as Bytes as GroupId;
  }
  private async session(): Promise<boolean> {
    const { hello } = this.parts.link;
    if (hello === null) return false;
    if (this.at === hello) return true;
    const f = await proveKey(this.parts, 'meet', this.id, { pk: this.keys.id, sk: this.keys.sk });
    if (f?.is !== 'welcome') return false;
    this.at = hello;
    return true;
  }
}
