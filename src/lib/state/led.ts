/** A worker only in the tab that writes. Elsewhere a wire without a worker says so, and listens for “Use it here”. */
import { aroundWindow, startLeader, type Around } from '$lib/core/leader';
import type { AppView, Down } from '$lib/core/port';
import type { Wire } from './client';

export interface Led {
  /** For `startCore`: the worker while this tab writes, else a stand-in. */
  readonly begin: () => Wire;
  /** To be told once how the core begins anew. */
  onTurn(restart: () => void): void;
  end(): void;
}

export function ledBy(begin: () => Wire, around: Around = aroundWindow()): Led {
  let turn: (() => void) | null = null;
  const leader = startLeader(around, () => turn?.());
  /** Answers before anything else happens: beginning anew ends the wire the question came by. */
  const takeOver = (wire: Wire, id: number): void => {
    wire.onmessage?.(told({ is: 'outcome', id, outcome: { ok: true, value: null } }));
    leader.takeOver();
  };

  return {
    begin: () => (leader.place === 'leading' ? ledWorker(begin(), takeOver) : standIn(leader.place, takeOver)),
    onTurn: (restart) => void (turn = restart),
    end: () => leader.end()
  };
}

type TakeOver = (wire: Wire, id: number) => void;

/** An overtaken worker shows `elsewhere` by itself; taking over is still the window's business. */
function ledWorker(worker: Wire, takeOver: TakeOver): Wire {
  const wire: Wire = {
    postMessage(down, transfer) {
      if (isTakeOver(down)) takeOver(wire, down.id);
      else worker.postMessage(down, transfer);
    },
    terminate: () => worker.terminate(),
    get onmessage() {
      return worker.onmessage;
    },
    set onmessage(hear) {
      worker.onmessage = hear;
    },
    get onerror() {
      return worker.onerror;
    },
    set onerror(hear) {
      worker.onerror = hear;
    }
  };
  return wire;
}

function standIn(place: 'asking' | 'elsewhere', takeOver: TakeOver): Wire {
  const view: AppView = { phase: place === 'asking' ? 'starting' : 'elsewhere' };
  let ended = false;
  const wire: Wire = {
    onmessage: null,
    onerror: null,
    postMessage(down) {
      // like a worker: never before the sender has finished
      queueMicrotask(() => {
        if (ended) return;
        if (isTakeOver(down)) takeOver(wire, down.id);
        else if (down.is === 'command') wire.onmessage?.(told({ is: 'outcome', id: down.id, outcome: { ok: false, fault: 'not-writer' } }));
        else if (down.is === 'watch' && down.name === 'app') wire.onmessage?.(told({ is: 'view', name: 'app', key: null, view }));
      });
    },
    terminate: () => void (ended = true)
  };
  return wire;
}

const isTakeOver = (down: Down): down is Down & { is: 'command'; name: 'take-over' } => down.is === 'command' && down.name === 'take-over';

const told = (message: unknown): MessageEvent => new MessageEvent('message', { data: message });
