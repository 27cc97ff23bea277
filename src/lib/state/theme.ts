/** Light, dark, or as the device says. Kept on this device in the clear: it tells nothing about anybody. */
export type Theme = 'device' | 'light' | 'dark';

const PLACE = 'carefold-theme';
const PAPER = { light: '#faf7f2', dark: '#0e1618' } as const;

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(PLACE);
    return kept === 'light' || kept === 'dark' ? kept : 'device';
  } catch {
    return 'device';
  }
}

/** Shows a theme now, without keeping it. */
export function showTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === 'device') delete root.dataset['theme'];
  else root.dataset['theme'] = theme;
  for (const bar of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
    const own = bar.media.includes('dark') ? PAPER.dark : PAPER.light;
    bar.content = theme === 'device' ? own : PAPER[theme];
  }
}

export function keepTheme(theme: Theme): void {
  showTheme(theme);
  try {
    if (theme === 'device') localStorage.removeItem(PLACE);
    else localStorage.setItem(PLACE, theme);
  } catch {
    // a browser without room for one word still shows it until it is closed
  }
}
