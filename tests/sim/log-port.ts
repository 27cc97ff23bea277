/** The relay's store as it may fail: calls that wait, that are refused, that happen unheard, and a process that dies between any two of them. */
import type { Call, CallName, Calls, Log, Reply } from '../../relay/log';
import type { Later } from '../../src/lib/sync/ports';
import type { DiskLog } from './disk-log';

/**
 * `done-unheard`: it is durable, and the process hears an error. The process dies: `lost` before it is durable, `kept` after it is and before
 * anybody hears of it, `told` after it was answered and before anything that waits for the end of the turn.
 */
export type LogFate = 'done' | 'unavailable' | 'done-unheard' | 'lost' | 'kept' | 'told' | { readonly after: number };
const NO = { ok: false, fault: 'unavailable' } as const;

interface Waiting { readonly call: Call; readonly then: (reply: Reply<CallName>) => void }

export class LogPort {
  fate: (name: CallName) => LogFate = () => 'done';
  later: Later = () => () => undefined;
  /** Hears that the process has died. */
  died: () => void = () => undefined;
  /** Milliseconds that a commit takes; what comes meanwhile is committed together, as the thread of a real relay does it. */
  pace = 0;
  /** Of the process. */
  life = 0;
  /** How often the process died, by the call and how. */
  readonly deaths = new Map<string, number>();
  private waiting: Waiting[] = [];
  private isBusy = false;

  constructor(readonly real: DiskLog) {}

  /** The log as the process of now has it; once that is dead nobody asks and nobody hears. */
  process(): Log {
    const { life } = this;
    const incarnation = (): number => this.real.incarnation;
    return {
      get incarnation() {
        return incarnation();
      },
      isShared: false,
      renewed: () => undefined,
      call: (name, input, then) => {
        // who carries a blob hears of the end of the process by the end of the line
        if (life !== this.life) return name === 'putBlob' ? then(NO) : undefined;
        this.call(name, input, (r) => (life === this.life ? then(r) : name === 'putBlob' && then(NO)));
      },
      close: () => Promise.resolve()
    };
  }
  private call<K extends CallName>(name: K, input: Calls[K][0], then: (reply: Reply<K>) => void): void {
    const fate = this.fate(name);
    const call = { name, input } as Call;
    const hear = then as (reply: Reply<CallName>) => void;
    if (fate === 'unavailable') return then(NO);
    if (fate === 'done-unheard') return this.take(call, () => then(NO), 0);
    if (typeof fate === 'object') return this.take(call, hear, fate.after);
    if (fate === 'done') return this.take(call, hear, 0);
    this.deaths.set(`${fate} ${name}`, (this.deaths.get(`${fate} ${name}`) ?? 0) + 1);
    if (fate === 'kept') this.commit([...this.waiting.map((w) => w.call), call]);
    if (fate === 'told') {
      const there = this.waiting;
      this.waiting = [];
      const replies = this.commit([...there.map((w) => w.call), call]);
      [...there.map((w) => w.then), hear].forEach((t, i) => t(replies[i] as Reply<CallName>));
    }
    this.die();
    if (name === 'putBlob') then(NO);
  }
  private commit(calls: readonly Call[]): Reply<CallName>[] {
    return this.real.transact(calls);
  }
  /** One after the other, as one writer does it. */
  private take(call: Call, then: Waiting['then'], after: number): void {
    const wait = Math.max(after, this.pace);
    if (wait === 0 && this.waiting.length === 0) return then(this.commit([call])[0] as Reply<CallName>);
    this.waiting.push({ call, then });
    if (this.isBusy) return;
    this.isBusy = true;
    const { life } = this;
    this.later(wait, () => {
      if (life !== this.life) return;
      this.isBusy = false;
      const batch = this.waiting;
      this.waiting = [];
      const replies = this.commit(batch.map((w) => w.call));
      batch.forEach((w, i) => w.then(replies[i] as Reply<CallName>));
    });
  }
  /** The process dies: what was under way is lost, or was written with nobody left to say so. */
  die(keeps = false): void {
    this.life++;
    this.isBusy = false;
    const under = this.waiting;
    this.waiting = [];
    if (keeps && under.length > 0) this.commit(under.map((w) => w.call));
    for (const w of under) w.then(NO);
    this.died();
  }
}
