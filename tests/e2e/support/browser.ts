/** A person's device: Chromium with a profile folder of its own, which survives closing, crashing and going offline. */
import { chromium, test, type BrowserContext, type Page } from '@playwright/test';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '../../chromium.mjs';
import { startNetwork, type Network } from './network';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
];
export const PHONE = { width: 390, height: 844 } as const;
export const LAPTOP = { width: 1440, height: 900 } as const;

export interface Device {
  readonly name: string;
  /** The profile folder: IndexedDB and Cache Storage lie in it, to be searched or copied. */
  readonly folder: string;
  readonly network: Network;
  /** The page in front. Changes when the device is restarted. */
  page(): Page;
  context(): BrowserContext;
  /** What the page complained about: uncaught errors and refusals of the content policy. */
  complaints(): readonly string[];
  /** Pulls the cable, also for workers, and tells the page so. */
  goOffline(): Promise<void>;
  goOnline(): Promise<void>;
  /** Closes the browser and opens it again with the same profile, at the same address. */
  restart(address?: string): Promise<Page>;
  /** Closes the browser and keeps the profile. */
  close(): Promise<void>;
  /** Closes the browser and deletes the profile. */
  discard(): Promise<void>;
}

export interface DeviceOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly dark?: boolean;
  readonly locale?: string;
  readonly permissions?: readonly string[];
  /** A file that the camera shows from the moment it is opened (support/camera.ts). */
  readonly camera?: string;
  /** A profile folder of a closed browser, to begin with a copy of it: a stolen or kept device. */
  readonly profile?: string;
}

/** Unboxes a new device and opens `address` on it, when one is given. */
export async function openDevice(name: string, address?: string, options: DeviceOptions = {}): Promise<Device> {
  const folder = await mkdtemp(join(tmpdir(), `carefold-${name.toLowerCase()}-`));
  if (options.profile) await cp(options.profile, folder, { recursive: true, filter: (path) => !/Singleton/.test(path) });
  const network = await startNetwork();
  const executablePath = findChromium();
  if (!executablePath) throw new Error('no chromium');
  const complaints: string[] = [];
  let context: BrowserContext;
  let page: Page;
  let offline = false;

  const launch = async (to?: string): Promise<Page> => {
    context = await chromium.launchPersistentContext(folder, {
      executablePath,
      headless: true,
      args: [...FLAGS, ...(options.camera ? ['--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${options.camera}`] : []), `--proxy-server=socks5://127.0.0.1:${network.port}`, '--proxy-bypass-list=<-loopback>'],
      viewport: options.viewport ?? PHONE,
      colorScheme: options.dark ? 'dark' : 'light',
      locale: options.locale ?? 'en-US',
      timezoneId: 'Europe/Vienna',
      permissions: [...(options.permissions ?? ['clipboard-read', 'clipboard-write', ...(options.camera ? ['camera'] : [])])],
      offline
    });
    // a step that waits longer has failed: say which one, instead of running out of the test's time
    context.setDefaultTimeout(20_000);
    context.on('weberror', (error) => complaints.push(error.error().message));
    context.on('console', (message) => {
      const text = message.text();
      if (/content security policy|trusted ?type|violates|yjs was already imported/i.test(text)) complaints.push(text);
    });
    page = context.pages()[0] ?? (await context.newPage());
    if (to) await page.goto(to);
    return page;
  };

  await launch(address);
  return {
    name,
    folder,
    network,
    page: () => page,
    context: () => context,
    complaints: () => complaints,
    goOffline: async () => {
      offline = true;
      network.cut();
      await context.setOffline(true);
    },
    goOnline: async () => {
      offline = false;
      network.mend();
      await context.setOffline(false);
    },
    restart: async (to) => {
      const back = to ?? page.url();
      await context.close();
      return launch(back);
    },
    close: async () => {
      await context.close();
    },
    discard: async () => {
      // what each screen showed is worth more than a line number
      const info = test.info();
      if (info.status !== info.expectedStatus) await page.screenshot({ path: info.outputPath(`${name}.png`) }).catch(() => undefined);
      await context.close().catch(() => undefined);
      await network.close();
      await rm(folder, { recursive: true, force: true });
    }
  };
}
