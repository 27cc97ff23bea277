/** `npm test`: everything, from a fresh checkout, ending in one line that says how much passed and failed. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, npm } from '../relay/tree.mjs';
import { provideChromium } from './chromium.mjs';
import { provideEngines } from './engines.mjs';
import { hasDocker, imageFault } from './image.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const reports = join(root, 'test-results');
const total = { passed: 0, failed: 0 };

const say = (line) => process.stdout.write(`${line}\n`);
const add = (name, { passed, failed }, began) => {
  total.passed += passed;
  total.failed += failed;
  say(`— ${name}: ${passed} passed, ${failed} failed (${Math.round((Date.now() - began) / 1000)} s)`);
};
const read = (file) => {
  try {
    return JSON.parse(readFileSync(join(reports, file), 'utf8'));
  } catch {
    return undefined;
  }
};
const run = (args, env = {}) => npm(root, ['run', '--silent', ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] });

/** A step without tests of its own counts as one. */
async function step(name) {
  const began = Date.now();
  const code = await run([name]);
  add(name, { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 }, began);
  return code === 0;
}

/** A step whose report counts; a crash outside any test counts as one failure more. */
async function counted(name, args, env, count) {
  const began = Date.now();
  const code = await run(args, env);
  const found = count() ?? { passed: 0, failed: 0 };
  add(name, code !== 0 && found.failed === 0 ? { ...found, failed: 1 } : found, began);
}

function vitestCount() {
  const report = read('vitest.json');
  if (!report) return undefined;
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded };
}

function playwrightCount() {
  const stats = read('playwright.json')?.stats;
  if (stats?.flaky) say(`— e2e: ${stats.flaky} passed only at the second try`);
  return stats && { passed: stats.expected + stats.flaky, failed: stats.unexpected };
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
if (!isInstalled(root) && (await npm(root, ['ci', '--include=dev', '--no-fund', '--no-audit'])) !== 0) {
  say('Packages could not be installed; the lines above say why.');
  say('0 passed, 1 failed');
  process.exit(1);
}
const browserFault = provideChromium();
if (browserFault) say(browserFault);
const engineFault = provideEngines();
if (engineFault) say(engineFault);

// both read what this writes, and each then keeps one core busy; the tests take over the first that is free
await run(['sync']);
const lint = step('lint');
await step('types');
await counted(
  'vitest',
  ['vitest', '--', '--reporter=default', '--reporter=json', `--outputFile.json=${join(reports, 'vitest.json')}`],
  {},
  vitestCount
);
await lint;
const built = await step('build');
if (browserFault || !built) {
  total.failed += 1;
  say(`— e2e: 1 failed, not run: ${browserFault ?? 'there is no build'}`);
} else {
  const env = { PLAYWRIGHT_JSON_OUTPUT_FILE: join(reports, 'playwright.json') };
  await counted('e2e', ['e2e', '--', '--reporter=list,json'], env, playwrightCount);
}
if (process.env['CI'] && hasDocker()) {
  const began = Date.now();
  const why = await imageFault();
  if (why) say(why);
  add('image', { passed: why ? 0 : 1, failed: why ? 1 : 0 }, began);
} else say('— image: not built, that is for CI where a Docker engine runs');
say(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
