/** Everything a page's core opened for it: each message from the worker, as words to search. */
import type { Page } from '@playwright/test';

interface Remembering {
  viewsSeen?: string[];
}

/** To be run before a page's own scripts: keeps what workers tell the page. */
export const rememberViews = (): void => {
  const seen: string[] = [];
  (window as unknown as Remembering).viewsSeen = seen;
  const Real = window.Worker;
  window.Worker = class extends Real {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      this.addEventListener('message', (event) => void seen.push(JSON.stringify(event.data)));
    }
  };
};

/** All of it so far, with what stands on the screen. */
export const openedWords = async (page: Page): Promise<string> =>
  page.evaluate(() => [...((window as unknown as Remembering).viewsSeen ?? []), document.title, document.body.innerText].join('\n'));
