import { EventEmitter } from 'node:events';
import type { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { Bytes, GroupId, Hash, LogPk } from '../../../crypto/brand';
import type { Appending, Log } from '../../../relay/log';
import { packReplies, type PackedCalls } from '../../../relay/log-pack';
import { remoteLog } from '../../../relay/log-remote';
import { ok } from '../../../crypto/result';

const hash = new Uint8Array(32) as Bytes as Hash;
const ENVELOPE: Appending = { g: 1, device: 1, n: 1, rosterSeq: 1, time: 1, verdict: 'fine', judgedAt: 1, group: hash as Bytes as GroupId, logPk: hash as Bytes as LogPk, roster: hash, blobs: [], envelope: new Uint8Array(200) as Bytes };

/** A store whose commits end when the test says so, and a clock that the test moves. */
class Slow extends EventEmitter {
  /** How many calls each commit had. */
  readonly commits: number[] = [];
  private readonly turns: (() => void)[] = [];
  private looks: (() => void)[] = [];
  answered = 0;
  private devices = 1000;
  private log: Log | undefined;

  async opened(): Promise<this> {
    const opening = remoteLog(this as unknown as Worker, (f) => this.turns.push(f), { broken: () => undefined, trouble: () => undefined, gather: (f) => this.looks.push(f) });
    this.emit('message', { incarnation: 1 });
    this.log = await opening;
    return this;
  }
  postMessage(m: PackedCalls): void {
    this.commits.push(m.count);
  }
  ask(times = 1): void {
    for (let i = 0; i < times; i++) this.log?.call('news', [], () => this.answered++);
    this.turn();
  }
  /** Asks what a group may still take, as an envelope that comes there first does. */
  askSpare(): void {
    this.log?.call('spare', { g: 1 }, () => this.answered++);
    this.turn();
  }
  /** As many devices write an envelope each. */
  call(times = 1): void {
    for (let i = 0; i < times; i++) this.log?.call('append', { ...ENVELOPE, device: this.devices++ }, () => this.answered++);
    this.turn();
  }
  /** One device writes so many envelopes. */
  write(device: number, times = 1): void {
    for (let i = 0; i < times; i++) this.log?.call('append', { ...ENVELOPE, device }, () => this.answered++);
    this.turn();
  }
  private turn(): void {
    for (const f of this.turns.splice(0)) f();
  }
  /** Ends the commit under way. */
  commit(): void {
    const calls = Array.from({ length: this.commits.at(-1) as number }, () => ({ name: 'news', input: [] }) as const);
    this.emit('message', packReplies(calls, calls.map(() => ok([]))));
  }
  look(): void {
    const now = this.looks;
    this.looks = [];
    for (const f of now) f();
  }
  /** Makes it a crowd: for a while each commit sees two more devices write. */
  crowd(): void {
    this.call();
    for (let i = 0; i < 20; i++) {
      this.call(2);
      this.commit();
      for (let k = 0; k < 5; k++) this.look();
    }
    this.commit();
    this.commits.length = 0;
  }
}

describe('the log in its thread', () => {
  it('takes what comes alone at once, and what comes during a commit with the next', async () => {
    const s = await new Slow().opened();
    s.call();
    expect(s.commits).toEqual([1]);
    s.call(3);
    s.call(2);
    expect([s.commits, s.answered]).toEqual([[1], 0]);
    s.commit();
    expect([s.commits, s.answered]).toEqual([[1, 5], 1]);
    s.commit();
    s.call();
    expect([s.commits, s.answered]).toEqual([[1, 5, 1], 6]);
  });

  it('gathers a crowd of small calls while each look finds more, and at thirty-two takes them', async () => {
    const s = await new Slow().opened();
    s.crowd();
    for (let i = 0; i < 3; i++) {
      s.call(8);
      s.look();
    }
    expect(s.commits).toEqual([]);
    s.call(8);
    expect(s.commits).toEqual([32]);
  });

  it('lets what is asked wait for nobody, however large the crowd', async () => {
    const s = await new Slow().opened();
    s.crowd();
    s.ask();
    expect(s.commits).toEqual([1]);
    s.call(2);
    s.ask();
    s.commit();
    expect(s.commits).toEqual([1, 3]);
    s.commit();
    s.call(3);
    expect(s.commits).toEqual([1, 3]);
    s.ask();
    expect(s.commits).toEqual([1, 3, 4]);
    // many questions in a row make no crowd either
    s.commit();
    for (let i = 0; i < 40; i++) {
      s.ask(3);
      s.commit();
    }
    s.commit();
    s.commits.length = 0;
    s.call(2);
    expect(s.commits).toEqual([2]);
  });

  it('lets what is asked for the sake of an envelope wait as the envelope would', async () => {
    const s = await new Slow().opened();
    s.askSpare();
    expect(s.commits).toEqual([1]);
    s.commit();
    s.commits.length = 0;
    s.crowd();
    s.call(2);
    s.askSpare();
    expect(s.commits).toEqual([]);
    s.look();
    s.look();
    expect(s.commits).toEqual([3]);
  });

  it('takes one device that writes much for no crowd, and many that write little for one', async () => {
    const s = await new Slow().opened();
    s.write(1);
    for (let i = 0; i < 20; i++) {
      s.write(1, 4);
      s.commit();
    }
    s.commit();
    s.commits.length = 0;
    s.write(1, 4);
    expect(s.commits).toEqual([4]);
    for (let i = 0; i < 20; i++) {
      for (let device = 1; device <= 4; device++) s.write(device);
      s.commit();
      for (let k = 0; k < 5; k++) s.look();
    }
    s.commit();
    s.commits.length = 0;
    s.write(1, 4);
    expect(s.commits).toEqual([]);
  });

  it('lets nobody wait for a crowd that does not come', async () => {
    const s = await new Slow().opened();
    s.crowd();
    s.call(3);
    expect(s.commits).toEqual([]);
    s.look();
    s.look();
    expect(s.commits).toEqual([3]);
    s.commit();
    s.call();
    for (let i = 0; i < 8; i++) {
      s.look();
      s.call();
    }
    expect(s.commits[1]).toBeLessThan(10);
  });

  it('takes so many questions at a time, in their order, and envelopes behind them after', async () => {
    const s = await new Slow().opened();
    s.ask(100);
    s.call(3);
    s.ask(50);
    expect(s.commits).toEqual([64]);
    s.commit();
    expect(s.commits).toEqual([64, 36 + 3 + 28]);
    s.commit();
    s.commit();
    expect([s.commits, s.answered]).toEqual([[64, 67, 22], 153]);
  });
});
