/** Short words about what just happened, at the bottom of the screen; at most three, the newest last. */
import { createContext } from 'svelte';

export interface Toast {
  readonly id: number;
  readonly words: string;
  readonly tone: 'plain' | 'error';
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

export interface Toasts {
  readonly all: readonly Toast[];
  /** Shows words for `forMs` milliseconds (6000 when left out; an action stays 8000 at least, so that it can be reached). Returns how to take them away early. */
  show(words: string, options?: { readonly tone?: Toast['tone']; readonly action?: Toast['action']; readonly forMs?: number }): () => void;
  drop(id: number): void;
  /** Takes all away, held or not: they may name somebody, and the app is being locked. */
  clear(): void;
  /** While a pointer or the focus rests on them nothing disappears. */
  hold(on: boolean): void;
}

const AT_MOST = 3;

export function makeToasts(): Toasts {
  let all = $state.raw<readonly Toast[]>([]);
  let next = 1;
  let held = false;
  const overdue = new Set<number>();
  const drop = (id: number): void => {
    overdue.delete(id);
    all = all.filter((toast) => toast.id !== id);
  };
  return {
    get all() {
      return all;
    },
    show(words, { tone = 'plain', action = null, forMs = action === null ? 6000 : 8000 } = {}) {
      const id = next++;
      // the same words twice would only take more room
      all = [...all.filter((toast) => toast.words !== words || toast.action !== null), { id, words, tone, action }].slice(-AT_MOST);
      setTimeout(() => (held ? overdue.add(id) : drop(id)), forMs);
      return () => drop(id);
    },
    drop,
    clear() {
      held = false;
      overdue.clear();
      all = [];
    },
    hold(on) {
      held = on;
      if (!on) for (const id of [...overdue]) drop(id);
    }
  };
}

export const [getToasts, setToasts] = createContext<Toasts>();
