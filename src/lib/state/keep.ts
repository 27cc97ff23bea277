/** Asking the browser to keep what is stored, and telling the core what it answered. */
import type { CommandName, Commands, Outcome } from '$lib/core/port';
import type { Core } from './client';

/** Asks for persistent storage; false where the browser can't be asked. */
export async function askToKeep(core: Core): Promise<boolean> {
  let granted = false;
  try {
    granted = (await navigator.storage?.persist?.()) ?? false;
  } catch {
    // a browser that throws instead of answering has not promised anything
  }
  await core.run('persisted', { granted });
  return granted;
}

/** A core that asks after the first post: by then there is something to keep, and a reason the person understands. */
export function keepingAfterPost(core: Core, asked: () => boolean): Core {
  let done = false;
  return {
    ...core,
    async run<K extends CommandName>(name: K, input: Commands[K]['in']): Promise<Outcome<Commands[K]['out']>> {
      const outcome = await core.run(name, input);
      if (name === 'post' && outcome.ok && !done && !asked()) {
        done = true;
        void askToKeep(core);
      }
      return outcome;
    }
  };
}
