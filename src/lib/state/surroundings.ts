/** Where the app is running, as far as it decides what to tell people. A guess from the outside, never a gate for security. */
export interface Surroundings {
  readonly ios: boolean;
  /** Opened from the home screen or as an installed app. */
  readonly installed: boolean;
  /** Inside another app's own browser: its storage is separate and short-lived. */
  readonly insideApp: boolean;
}

interface Outside {
  readonly userAgent: string;
  readonly maxTouchPoints: number;
  /** Safari on iOS only. */
  readonly standalone?: boolean | undefined;
  readonly displayStandalone: boolean;
  /** What is there, whatever the browser calls itself. */
  readonly has: { readonly serviceWorker: boolean; readonly notification: boolean };
}

const OTHER_APPS = /\b(FBAN|FBAV|FB_IAB|Instagram|Line\/|MicroMessenger|Snapchat|TikTok|musical_ly|Twitter|LinkedInApp|Pinterest|GSA\/|KAKAOTALK|WhatsApp|Viber|Telegram)/i;
/** Android's embedded view says “; wv)”. */
const EMBEDDED = /; wv\)/;

export function readSurroundings(outside: Outside): Surroundings {
  const { userAgent } = outside;
  // iPadOS calls itself a Mac, but no Mac has a touch screen; nobody else asks whether it came from a home screen in Apple's own way
  const ios = /iPhone|iPad|iPod/.test(userAgent) || ((/Macintosh/.test(userAgent) || outside.standalone !== undefined) && outside.maxTouchPoints > 1);
  const installed = outside.standalone === true || outside.displayStandalone;
  // an embedded view on iOS is WebKit that does not call itself Safari
  const bareWebKit = ios && !installed && /AppleWebKit/.test(userAgent) && !/Safari\//.test(userAgent);
  // views inside other apps lack, on iOS, what works without a network and, on Android, what tells of news: browsers have both
  const lacks = ios ? !outside.has.serviceWorker : /Android/.test(userAgent) && !outside.has.notification;
  return { ios, installed, insideApp: !installed && (OTHER_APPS.test(userAgent) || EMBEDDED.test(userAgent) || bareWebKit || lacks) };
}

export const surroundings = (): Surroundings =>
  readSurroundings({
    userAgent: navigator.userAgent,
    maxTouchPoints: navigator.maxTouchPoints,
    standalone: (navigator as { standalone?: boolean }).standalone,
    displayStandalone: matchMedia('(display-mode: standalone), (display-mode: minimal-ui), (display-mode: fullscreen)').matches,
    has: { serviceWorker: 'serviceWorker' in navigator, notification: 'Notification' in window }
  });

/** What kind of device this looks like, to propose a name for it. */
export function deviceKind(outside: Pick<Outside, 'userAgent' | 'maxTouchPoints'> = navigator): 'phone' | 'tablet' | 'laptop' {
  const { userAgent, maxTouchPoints } = outside;
  if (/iPhone|iPod|Android.+Mobile|Mobile.+Firefox/.test(userAgent)) return 'phone';
  return /iPad|Android/.test(userAgent) || (/Macintosh/.test(userAgent) && maxTouchPoints > 1) ? 'tablet' : 'laptop';
}

/** By the sign each leaves, the more telling first: Android calls itself Linux too. */
const PLATFORMS = [['iPhone', /iPhone|iPod/], ['iPad', /iPad/], ['Android', /Android/], ['Mac', /Macintosh/], ['Windows', /Windows/], ['Chromebook', /CrOS/], ['Linux', /Linux/]] as const;

/** The name on the box, to propose a name for the device; empty where nothing says it. */
export function platformName(outside: Pick<Outside, 'userAgent' | 'maxTouchPoints'> = navigator): string {
  const name = PLATFORMS.find(([, sign]) => sign.test(outside.userAgent))?.[0] ?? '';
  // iPadOS calls itself a Mac, but no Mac has a touch screen
  return name === 'Mac' && outside.maxTouchPoints > 1 ? 'iPad' : name;
}

/** What stops the app from running here at all; null when nothing does. */
export function missingHere(): 'insecure' | 'old-browser' | null {
  if (!isSecureContext) return 'insecure';
  const has = typeof Worker === 'function' && typeof indexedDB === 'object' && typeof WebAssembly === 'object' && typeof crypto === 'object' && 'subtle' in crypto;
  return has ? null : 'old-browser';
}
