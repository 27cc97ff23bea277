/** Figures for an operator, in Prometheus' text form: how much and how fast, never who. */
import type { Clock } from './house';
import type { CallName, Calls, Log, Reply } from './log';

/** Upper ends of the classes of time, in seconds. */
const CLASSES = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15] as const;

export interface Meters {
  readonly asked: Map<CallName, number>;
  unavailable: number;
  stored: number;
  /** Of appends that were timed, one at a time: how many took at most each class's time; their seconds in all; how many. */
  readonly within: number[];
  seconds: number;
  timed: number;
}

/** The log, with its calls counted and one append at a time timed: more would cost what it measures. */
export function metered(log: Log, clock: Clock): { readonly log: Log; readonly meters: Meters } {
  const meters: Meters = { asked: new Map(), unavailable: 0, stored: 0, within: CLASSES.map(() => 0), seconds: 0, timed: 0 };
  let isTiming = false;
  const time = (began: number): void => {
    isTiming = false;
    const seconds = Math.max(0, clock() - began) / 1000;
    meters.seconds += seconds;
    meters.timed++;
    CLASSES.forEach((most, i) => {
      if (seconds <= most) meters.within[i] = (meters.within[i] ?? 0) + 1;
    });
  };
  return {
    meters,
    log: {
      get incarnation() {
        return log.incarnation;
      },
      isShared: log.isShared,
      renewed: (then) => log.renewed(then),
      call<K extends CallName>(name: K, input: Calls[K][0], then: (reply: Reply<K>) => void) {
        meters.asked.set(name, (meters.asked.get(name) ?? 0) + 1);
        const began = name === 'append' && !isTiming ? clock() : null;
        isTiming ||= began !== null;
        log.call(name, input, (reply) => {
          if (began !== null) time(began);
          if (!reply.ok) meters.unavailable++;
          else if (name === 'append' && (reply.value as Calls['append'][1]).is === 'stored') meters.stored++;
          then(reply);
        });
      },
      close: () => log.close()
    }
  };
}

export interface Gauges {
  readonly sockets: number;
  readonly sessions: number;
  readonly groups: number;
  readonly hintsUp: boolean;
  readonly isShared: boolean;
  readonly isDraining: boolean;
  readonly refusals: ReadonlyMap<string, number>;
  readonly pushes: ReadonlyMap<string, number>;
  /** Seconds that the event loop was late: at the 99th part in a hundred since the last look. */
  readonly late: number;
  readonly cpuSeconds: number;
  readonly memory: number;
}

/** The text that `GET /metrics` answers. */
export function figures(m: Meters, g: Gauges): string {
  const lines: string[] = [];
  const put = (name: string, kind: 'counter' | 'gauge' | 'histogram', help: string, values: readonly (readonly [labels: string, value: number])[]): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...values.map(([labels, value]) => `${name}${labels} ${value}`));
  };
  put('carefold_sockets', 'gauge', 'Connections of devices.', [['', g.sockets]]);
  put('carefold_sessions', 'gauge', 'Proven keys of devices, one for each of their groups.', [['', g.sessions]]);
  put('carefold_groups_loaded', 'gauge', 'Groups held in memory.', [['', g.groups]]);
  put('carefold_envelopes_stored_total', 'counter', 'Envelopes made durable and acknowledged here.', [['', m.stored]]);
  put('carefold_refused_total', 'counter', 'Refusals, by reason.', [...g.refusals].map(([why, times]) => [`{why="${why}"}`, times] as const));
  put('carefold_pushes_total', 'counter', 'Pushes to devices that are away, by what came of them.', [...g.pushes].map(([what, times]) => [`{came="${what}"}`, times] as const));
  put('carefold_log_calls_total', 'counter', 'Calls on the store, by name.', [...m.asked].map(([name, times]) => [`{call="${name}"}`, times] as const));
  put('carefold_log_unavailable_total', 'counter', 'Calls that the store did not answer.', [['', m.unavailable]]);
  put('carefold_append_seconds', 'histogram', 'From an envelope’s arrival to its being durable; a sample of them.', []);
  lines.push(...CLASSES.map((most, i) => `carefold_append_seconds_bucket{le="${most}"} ${m.within[i] ?? 0}`));
  lines.push(`carefold_append_seconds_bucket{le="+Inf"} ${m.timed}`, `carefold_append_seconds_sum ${m.seconds}`, `carefold_append_seconds_count ${m.timed}`);
  if (g.isShared) put('carefold_hints_up', 'gauge', 'Whether hints of other relays come through.', [['', g.hintsUp ? 1 : 0]]);
  put('carefold_draining', 'gauge', 'Whether devices are being sent away.', [['', g.isDraining ? 1 : 0]]);
  put('carefold_event_loop_late_seconds', 'gauge', 'How late the event loop is, 99th percentile since the last look.', [['', g.late]]);
  put('process_cpu_seconds_total', 'counter', 'Processor time.', [['', g.cpuSeconds]]);
  put('process_resident_memory_bytes', 'gauge', 'Memory in use.', [['', g.memory]]);
  return `${lines.join('\n')}\n`;
}
