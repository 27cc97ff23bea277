/**
 * The log in a worker thread: commits leave the event loop alone. Calls go over at once when it is idle and gather only while a
 * commit runs, so that one fsync serves all that came meanwhile; in a crowd of small ones, for some milliseconds more (performance R2, R3, R6).
 */
import type { Worker } from 'node:worker_threads';
import { err, type Result } from '../crypto/result';
import { packCalls, type PackedCalls, type PackedReplies, unpackReplies } from './log-pack';
import type { Appending, Call, Log, Unkept } from './log';
import type { Turn } from './fanout';

export type FromWorker = { readonly incarnation: number } | { readonly fault: string } | { readonly trouble: string } | PackedReplies;
export type ToWorker = PackedCalls | 'close';

/** Callers during a commit from which on there is a crowd, calls that make a commit worth its fsync, and looks at whether more have come. */
const CROWD = 0.5;
const FEW = 32;
const LOOKS = 4;
/** Questions in one transaction: an answer may have some hundred kilobytes, and all of them are in memory together. */
const QUESTIONS = 64;

/** Envelopes, and what is asked only for the sake of one. */
const isPatient = (c: Call): boolean => c.name === 'append' || c.name === 'spare';

interface Pending { readonly call: Call; readonly then: (reply: Result<never, Unkept>) => void }

/** Starts the worker and opens the store at `path`; rejects with the store's fault. `hears.broken`: the worker ended by itself; `hears.trouble`: a change was not kept, in SQLite's words; `hears.gather` calls back some milliseconds later. */
export function remoteLog(worker: Worker, turn: Turn, hears: { readonly broken: () => void; readonly trouble: (words: string) => void; readonly gather: (then: () => void) => void }): Promise<Log> {
  /** How many callers come while a commit runs, lately; one log that says much is one. */
  let crowd = 0;
  /** How many have come since the last commit began, and where the latest envelope went. */
  let callers = 0;
  let latest = { g: 0, device: 0 };
  /** How many the last commit served. */
  let last = 0;
  let gathered: Pending[] = [];
  let sent: Pending[] = [];
  /** Whether something else than envelopes is gathered. */
  let isAsked = false;
  let due = false;
  let dead = false;
  let idle: (() => void) | null = null;

  /** Which gathering is under way. */
  let gathering = 0;

  const flush = (): void => {
    due = false;
    gathering++;
    if (sent.length > 0) return;
    if (gathered.length === 0) return idle?.();
    let questions = 0;
    const rest = gathered.findIndex(({ call }) => !isPatient(call) && ++questions > QUESTIONS);
    sent = rest < 0 ? gathered : gathered.slice(0, rest);
    gathered = rest < 0 ? [] : gathered.slice(rest);
    callers = 0;
    isAsked = gathered.length > 0;
    const packed = packCalls(sent.map((p) => p.call));
    worker.postMessage(packed, [packed.appends.buffer]);
  };
  /** Whether it is of the log that called last. */
  const goesOn = ({ g, device }: Appending): boolean => {
    const same = latest.g === g && latest.device === device;
    if (!same) latest = { g, device };
    return same;
  };
  /** Many callers with little each: a commit for every one of them would cost more than all the rest. What anybody asks waits for nobody. */
  const isThin = (): boolean => crowd > CROWD && last < 2 * FEW && gathered.length < FEW && !isAsked;
  /** Goes on while each look finds more: callers who all wait for an answer wait for two looks at most. */
  const later = (looks = LOOKS): void => {
    due = true;
    const there = gathered.length;
    const mine = gathering;
    hears.gather(() => {
      if (mine !== gathering) return;
      if (gathered.length > there && gathered.length < FEW && looks > 1) later(looks - 1);
      else flush();
    });
  };
  const taken = (packed: PackedReplies): void => {
    const replies = unpackReplies(packed);
    const answered = sent;
    sent = [];
    crowd += (callers - crowd) / 16;
    // the next commit starts before these are told, so that fsync and fan-out overlap
    last = answered.length;
    if (gathered.length > 0 && isThin()) later();
    else flush();
    answered.forEach((p, i) => p.then((replies[i] ?? err('unavailable')) as Result<never, Unkept>));
  };
  const ended = (): void => {
    if (dead) return;
    dead = true;
    const lost = [...sent, ...gathered];
    sent = [];
    gathered = [];
    for (const p of lost) p.then(err('unavailable'));
    hears.broken();
  };

  return new Promise((done, fail) => {
    worker.on('error', (e) => (fail(e), ended()));
    worker.on('exit', ended);
    worker.on('message', (m: FromWorker) => {
      if ('kept' in m) return taken(m);
      if ('trouble' in m) return hears.trouble(m.trouble);
      if ('fault' in m) return fail(new Error(m.fault));
      done({
        incarnation: m.incarnation,
        isShared: false,
        renewed: () => undefined,
        call(name, input, then) {
          if (dead) return then(err('unavailable'));
          const call = { name, input } as Call;
          gathered.push({ call, then });
          const isFirst = !isPatient(call) && !isAsked;
          if (!isPatient(call)) isAsked = true;
          else if (call.name === 'append' && !goesOn(call.input)) callers++;
          if (sent.length > 0 || (due && gathered.length !== FEW && !isFirst)) return;
          if (!due && isThin()) return later();
          due = true;
          turn(flush);
        },
        close: () =>
          new Promise((closed) => {
            idle = () => {
              dead = true;
              worker.once('exit', () => closed());
              worker.postMessage('close' satisfies ToWorker);
            };
            if (sent.length === 0 && gathered.length === 0) idle();
          })
      });
    });
  });
}
