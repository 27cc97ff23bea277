import { describe, expect, it } from 'vitest';
import { readSurroundings } from '$lib/state/surroundings';

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';
const IPAD = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15';
const IPHONE_VIEW = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148';
const FACEBOOK = 'Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/460.0]';
const ANDROID_VIEW = 'Mozilla/5.0 (Linux; Android 13; Pixel 7; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/124.0 Mobile Safari/537.36';
const CHROME = 'Mozilla/5.0 (Linux; Android 13; Pixel 7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Mobile Safari/537.36';
const MAC = IPAD;

const read = (userAgent: string, more: { maxTouchPoints?: number; standalone?: boolean; displayStandalone?: boolean; has?: { serviceWorker: boolean; notification: boolean } } = {}) =>
  readSurroundings({ userAgent, maxTouchPoints: 5, displayStandalone: false, has: { serviceWorker: true, notification: true }, ...more });

describe('surroundings', () => {
  it('knows an iPhone in Safari, where storage is thrown away', () => {
    expect(read(IPHONE)).toEqual({ ios: true, installed: false, insideApp: false });
  });
  it('knows an iPad that calls itself a Mac by its touch screen', () => {
    expect(read(IPAD).ios).toBe(true);
    expect(read(MAC, { maxTouchPoints: 0 }).ios).toBe(false);
  });
  it('knows the app on the home screen as installed, and never as inside another app', () => {
    expect(read(IPHONE_VIEW, { standalone: true })).toEqual({ ios: true, installed: true, insideApp: false });
    expect(read(CHROME, { displayStandalone: true }).installed).toBe(true);
  });
  it.each([['Facebook', FACEBOOK], ['an Android view', ANDROID_VIEW], ['a view on iOS', IPHONE_VIEW]])('knows the browser inside %s', (_name, userAgent) => {
    expect(read(userAgent).insideApp).toBe(true);
  });
  it('knows a view inside another app that calls itself a browser by what it lacks, and takes nothing else for one', () => {
    const bare = { serviceWorker: false, notification: false };
    expect([read(IPHONE, { has: bare }).insideApp, read(IPAD, { has: bare }).insideApp, read(CHROME, { has: { ...bare, serviceWorker: true } }).insideApp]).toEqual([true, true, true]);
    // Safari tells of news from the home screen alone
    expect(read(IPHONE, { has: { serviceWorker: true, notification: false } }).insideApp).toBe(false);
    expect(read(IPHONE, { has: bare, standalone: true }).insideApp).toBe(false);
    expect(read(MAC, { maxTouchPoints: 0, has: bare })).toEqual({ ios: false, installed: false, insideApp: false });
  });
  it('knows iOS under any name by what it alone says of the home screen', () => {
    expect(read('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15', { standalone: false }).ios).toBe(true);
    expect(read(CHROME).ios).toBe(false);
  });
  it('takes an ordinary browser for what it is', () => {
    expect(read(CHROME)).toEqual({ ios: false, installed: false, insideApp: false });
  });
});
