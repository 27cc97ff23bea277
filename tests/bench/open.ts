/**
 * C1: a group with 10,000 posts opened cold, all readable, from IndexedDB in a fresh page, beside a plaintext y-indexeddb with one snapshot.
 * C2: the newest 200 posts after the vault was unlocked. The posts are written by three devices that run the real core, go through a real
 * relay, and arrive on the device under measurement as they do in life. Ends with one line of JSON.
 */
import { chromium, type BrowserContext } from '@playwright/test';
import { build } from 'esbuild';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideChromium, findChromium } from '../chromium.mjs';
import { admitted, longLivedGroup } from './open/group';
import { POSTS, textsOf } from './open/posts';
import { servePages } from './open/serve';
import type { Opened, Ours, Peer } from './open/side';
import { median, round, spread } from '../support/figures';

const ROUNDS = 7;
const PAGE = 200;

declare const window: { readonly side: Ours & Peer };
type Opens = Opened & { readonly start?: number };

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'carefold-open-'));

/** Runs one thing in a page that did not exist before and is gone after. */
async function inFreshPage<T>(browser: BrowserContext, address: string, what: () => Promise<T>): Promise<T> {
  const page = await browser.newPage();
  try {
    await page.goto(address);
    await page.waitForFunction(() => 'side' in window);
    return await page.evaluate(what);
  } finally {
    await page.close();
  }
}

function checked(o: Opens, posts: number, letters: number | null): Opens {
  if (o.posts < posts || (letters !== null && o.letters !== letters)) throw new Error(`${o.posts} posts of ${o.letters} letters were read`);
  return o;
}

async function main(): Promise<void> {
  const missing = provideChromium();
  if (missing !== undefined) throw new Error(missing);
  const pages = join(folder, 'pages');
  await build({
    entryPoints: [join(root, 'tests/bench/open/ours.ts'), join(root, 'tests/bench/open/peer.ts')], bundle: true, format: 'esm', target: 'es2022', minify: true,
    define: { 'import.meta.env.DEV': 'false' }, alias: { $crypto: join(root, 'crypto'), $lib: join(root, 'src/lib') }, outdir: pages, logLevel: 'error'
  });
  say(`writing ${POSTS} posts …`);
  const group = await longLivedGroup();
  const server = await servePages(pages, group.connect);
  const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
    executablePath: findChromium() as string, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run']
  });
  try {
    const stop = group.live();
    const page = await browser.newPage();
    await page.goto(`${server.address}/ours`);
    const fragment = await group.invite();
    await page.evaluate(([f, now]) => window.side.join(f, now), [fragment, group.world.time.now] as const);
    await admitted(group, 'Dan');
    await page.evaluate((posts) => window.side.settle(posts), POSTS);
    await page.close();
    stop();
    for (const peer of ['peer', 'peer?plain']) await inFreshPage(browser, `${server.address}/${peer}`, () => window.side.fill());

    const letters = textsOf().reduce((sum, t) => sum + t.length, 0);
    const got = { ours: [] as number[], start: [] as number[], peer: [] as number[], plain: [] as number[], newest: [] as number[] };
    const turns: (() => Promise<unknown>)[] = [
      async () => {
        const o = checked(await inFreshPage(browser, `${server.address}/ours`, () => window.side.open()), POSTS, letters) as Required<Opens>;
        got.start.push(o.start);
        got.ours.push(o.start + o.ms);
      },
      async () => got.peer.push(checked(await inFreshPage(browser, `${server.address}/peer`, () => window.side.open()), POSTS, letters).ms),
      async () => got.newest.push(checked(await inFreshPage(browser, `${server.address}/ours`, () => window.side.newest()), PAGE, null).ms),
      async () => got.plain.push(checked(await inFreshPage(browser, `${server.address}/peer?plain`, () => window.side.open()), POSTS, letters).ms)
    ];
    for (const turn of turns) await turn();
    for (const all of Object.values(got)) all.length = 0;
    for (let i = 0; i < ROUNDS; i++) for (const turn of i % 2 === 0 ? turns : [...turns].reverse()) await turn();

    say(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, Chromium ${browser.browser()?.version() ?? 'unknown'}`);
    say(`each in a fresh page, ${ROUNDS} times in turns, after one unmeasured round`);
    say(`C1 ours, from starting the core to all ${POSTS} posts, the passphrase apart: ${spread(got.ours)}`);
    say(`   of it before the passphrase, to read the vault's header: ${spread(got.start)}`);
    say(`C1 peer, y-indexeddb at its fastest, every post a plain value in one Y.Array: ${spread(got.plain)}`);
    say(`   beside it as it is commonly used, every post a Y.Map: ${spread(got.peer)}`);
    say(`C2 ours, from the unlocked vault to the newest ${PAGE}: ${spread(got.newest)}`);
    const ours = median(got.ours);
    const peer = median(got.plain);
    say(JSON.stringify({ C1: { ours: round(ours, 1), peer: round(peer, 1), ratio: round(ours / peer, 3) }, C2: { ours: round(median(got.newest), 1) } }));
  } finally {
    await browser.close();
    server.close();
  }
}

main()
  .catch((e: unknown) => {
    process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
    process.exitCode = 1;
  })
  .finally(() => {
    rmSync(folder, { recursive: true, force: true });
    process.exit();
  });
