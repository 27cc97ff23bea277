/** A browser's windows as far as locks, channels and leaving go, by the rules of the Web Locks specification; Node has no lock manager. */
import type { Around } from '$lib/core/leader';

interface Asked {
  readonly run: (lock: Lock | null) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

export interface Browser {
  open(options?: { locks?: boolean }): Tab;
}
export interface Tab {
  readonly around: Around;
  /** To the back-forward cache, and back. */
  leave(): void;
  comeBack(): void;
  /** The tab is closed: its locks go, nothing of it runs any more. */
  close(): void;
}

export function browser(): Browser {
  let held: Asked | null = null;
  let queue: Asked[] = [];
  const channels = new Set<{ hear: ((event: Event) => void)[]; open: boolean }>();

  function grant(asked: Asked): void {
    held = asked;
    const mine = asked;
    queueMicrotask(() => {
      void Promise.resolve(asked.run({ name: 'carefold-writer', mode: 'exclusive' })).then((value) => {
        if (held !== mine) return;
        held = null;
        asked.resolve(value);
        next();
      });
    });
  }
  function next(): void {
    const first = held === null ? queue.shift() : undefined;
    if (first !== undefined) grant(first);
  }

  return {
    open({ locks = true } = {}) {
      const window = new EventTarget();
      const mine = new Set<Asked>();
      const request = (_name: string, options: LockOptions, run: (lock: Lock | null) => unknown): Promise<unknown> =>
        new Promise((resolve, reject) => {
          const asked: Asked = { run, resolve, reject };
          mine.add(asked);
          if (options.steal === true) {
            held?.reject(new DOMException('stolen', 'AbortError'));
            grant(asked);
          } else if (held === null) grant(asked);
          else if (options.ifAvailable === true) queueMicrotask(() => void Promise.resolve(run(null)).then(resolve));
          else {
            queue.push(asked);
            options.signal?.addEventListener('abort', () => {
              if (!queue.includes(asked)) return;
              queue = queue.filter((q) => q !== asked);
              reject(new DOMException('aborted', 'AbortError'));
            });
          }
        });
      const own: typeof channels = new Set();
      const fire = (type: string): void => void window.dispatchEvent(Object.assign(new Event(type), { persisted: true }));
      return {
        around: {
          window,
          locks: locks ? ({ request } as unknown as LockManager) : null,
          channel() {
            const c = { hear: [] as ((event: Event) => void)[], open: true };
            channels.add(c);
            own.add(c);
            return {
              addEventListener: (_type: string, hear: unknown) => void c.hear.push(hear as (event: Event) => void),
              postMessage(message: unknown) {
                if (!c.open) throw new DOMException('closed', 'InvalidStateError');
                for (const other of channels) {
                  if (other !== c)
                    queueMicrotask(() => other.open && other.hear.forEach((hear) => hear(new MessageEvent('message', { data: message }))));
                }
              },
              close() {
                c.open = false;
                channels.delete(c);
              }
            } as ReturnType<Around['channel']>;
          }
        },
        leave: () => fire('pagehide'),
        comeBack: () => fire('pageshow'),
        close() {
          for (const c of own) {
            c.open = false;
            channels.delete(c);
          }
          queue = queue.filter((q) => !mine.has(q));
          if (held !== null && mine.has(held)) held = null;
          next();
        }
      };
    }
  };
}

/** Lets everything that waits for nothing but its turn happen. */
export const settle = (): Promise<void> => new Promise((done) => setTimeout(done, 0));
