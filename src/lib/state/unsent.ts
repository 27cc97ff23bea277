/** How much was written here and had not left when the app was last open in this tab: a bare number, which may lie in the clear over a reload. */
const KEY = 'carefold-unsent';

export function readUnsent(): number {
  try {
    const kept = Number(sessionStorage.getItem(KEY));
    return Number.isSafeInteger(kept) && kept > 0 ? kept : 0;
  } catch {
    return 0;
  }
}
export function keepUnsent(count: number): void {
  try {
    sessionStorage.setItem(KEY, String(count));
  } catch {
    // it says less after a reload
  }
}
