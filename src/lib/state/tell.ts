/** A word of the system's own while nobody looks at the app: said only after the person asked for it, and without any name. */

/** `ask`: it may be asked for; `on`: it will be told; `no`: this browser can't, or the person said no. */
export type Telling = 'ask' | 'on' | 'no';

export function telling(): Telling {
  if (!('Notification' in globalThis) || !('serviceWorker' in navigator)) return 'no';
  return Notification.permission === 'granted' ? 'on' : Notification.permission === 'default' ? 'ask' : 'no';
}

/** Asks the person; to be called from a press of theirs. */
export async function askToTell(): Promise<Telling> {
  if (telling() === 'ask') await Notification.requestPermission().catch(() => undefined);
  return telling();
}

/** Tells, when the page is not looked at; pressing it opens `path`. */
export async function tell(words: string, path: string): Promise<void> {
  if (document.visibilityState === 'visible' || telling() !== 'on') return;
  const registration = await navigator.serviceWorker.getRegistration();
  await registration?.showNotification('Carefold', { body: words, tag: 'carefold', data: { path }, icon: '/icons/icon-192.png' }).catch(() => undefined);
}
