/** New keys for a group of 100 devices in a browser's worker, beside the bare encapsulations. Ends with one line of JSON. */
import { chromium } from '@playwright/test';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { findChromium, provideChromium } from '../chromium.mjs';
import { median, round, spread } from '../support/figures';
import type { Rounds } from './rotate/worker';

const DEVICES = 100;
const ROUNDS = 15;

const root = fileURLToPath(new URL('../..', import.meta.url));

async function main(): Promise<void> {
  const missing = provideChromium();
  if (missing !== undefined) throw new Error(missing);
  const bundle = await build({
    entryPoints: [`${root}tests/bench/rotate/worker.ts`], bundle: true, write: false, format: 'iife', target: 'es2022', minify: true,
    define: { 'import.meta.env.DEV': 'false' }, alias: { $crypto: `${root}crypto`, $lib: `${root}src/lib` }, logLevel: 'error'
  });
  const browser = await chromium.launch({ executablePath: findChromium() as string, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage();
    const got = await page.evaluate(
      ([code, ask]) =>
        new Promise<Rounds>((done, failed) => {
          const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
          worker.onmessage = (e: MessageEvent<Rounds>) => done(e.data);
          worker.onerror = (e) => failed(new Error(e.message));
          worker.postMessage(ask);
        }),
      [bundle.outputFiles[0]?.text ?? '', { devices: DEVICES, rounds: ROUNDS }] as const
    );
    for (const name of ['ours', 'floor'] as const) process.stdout.write(`${name}: ${spread(got[name])}\n`);
    const ours = median(got.ours);
    const floor = median(got.floor);
    process.stdout.write(`${JSON.stringify({ rotate: { devices: DEVICES, ours: round(ours, 1), floor: round(floor, 1), ratio: round(ours / floor, 2) } })}\n`);
  } finally {
    await browser.close();
  }
}

main().catch((e: unknown) => {
  process.stderr.write(`${e instanceof Error ? (e.stack ?? e.message) : String(e)}\n`);
  process.exitCode = 1;
});
