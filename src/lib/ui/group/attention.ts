/** Whether a person has the page before them: it is visible, has the focus, and nothing lies over it. */

/** Whatever asks for all attention: dialogs, and a photo as large as the screen. */
const OVER = '[role="dialog"], [role="alertdialog"], dialog[open]';

export const attended = (): boolean => document.visibilityState === 'visible' && document.hasFocus() && document.querySelector(OVER) === null;

/** Says whether it is so, now and whenever it may have changed, until the returned function is called. */
export function watchAttention(attend: (here: boolean) => void): () => void {
  const look = (): void => { attend(attended()); };
  document.addEventListener('visibilitychange', look);
  window.addEventListener('focus', look);
  window.addEventListener('blur', look);
  // what opens over a page is a child of its body
  const over = new MutationObserver(look);
  over.observe(document.body, { childList: true });
  look();
  return () => {
    document.removeEventListener('visibilitychange', look);
    window.removeEventListener('focus', look);
    window.removeEventListener('blur', look);
    over.disconnect();
  };
}
