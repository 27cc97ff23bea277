/** The relay's store as it may fail: calls that wait, that are refused, that happen unheard, and a process that dies between any two of them. */
import type { CallName, Calls, Log, Reply } from '../../relay/log';
import type { Later } from '../../src/lib/sync/ports';

/** `done-unheard`: it is durable, and the process hears an error. `lost`, `kept`: the process dies before or after it is durable. */
export type LogFate = 'done' | 'unavailable' | 'done-unheard' | 'lost' | 'kept' | { readonly after: number };

export class LogPort implements Log {
  fate: (name: CallName) => LogFate = () => 'done';
  later: Later = () => () => undefined;
  private life = 0;
  private waiting: (() => void)[] = [];

  constructor(public real: Log) {}

  get incarnation(): number {
    return this.real.incarnation;
  }
  get isShared(): boolean {
    return this.real.isShared;
  }
  renewed(then: (life: number) => void): void {
    this.real.renewed(then);
  }
  call<K extends CallName>(name: K, input: Calls[K][0], then: (reply: Reply<K>) => void): void {
    const asked = this.fate(name);
    // who carries a blob hears of the end of the process by the end of the line
    const fate = name !== 'putBlob' || typeof asked === 'string' ? asked : 'done';
    if (name === 'putBlob' && (fate === 'lost' || fate === 'kept')) return then({ ok: false, fault: 'unavailable' });
    if (fate === 'unavailable') return then({ ok: false, fault: 'unavailable' });
    if (fate === 'lost') return;
    const hear: typeof then = fate === 'kept' ? () => undefined : fate === 'done-unheard' ? () => then({ ok: false, fault: 'unavailable' }) : then;
    // one after the other, as one writer does it
    if (typeof fate === 'string' && this.waiting.length === 0) return this.real.call(name, input, hear);
    const { life } = this;
    const run = (): void => this.real.call(name, input, (r) => life === this.life && hear(r));
    this.waiting.push(run);
    this.later(typeof fate === 'string' ? 0 : fate.after, () => {
      if (life !== this.life) return;
      while (this.waiting.includes(run)) this.waiting.shift()?.();
    });
  }
  /** The process dies: what was under way is lost, or was written with nobody left to say so. */
  crash(keeps: boolean): void {
    this.life++;
    const under = this.waiting;
    this.waiting = [];
    if (keeps) for (const run of under) run();
  }
  close(): Promise<void> {
    return this.real.close();
  }
}
