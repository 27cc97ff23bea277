import { defineConfig } from '@playwright/test';

/** What takes longest begins first, so that all workers end together. */
const LONG = '**/{screens,story,markers,locks,shell,devices,long-group,newest-first}.test.ts';

/** Browsers and relays are started by the tests themselves (support/): a story needs several of each. */
export default defineConfig({
  testDir: '.',
  projects: [
    { name: 'long', testMatch: LONG },
    { name: 'other', testMatch: '**/*.test.ts', testIgnore: LONG }
  ],
  outputDir: '../../test-results/e2e',
  globalSetup: './support/setup.ts',
  // a story waits as much as it works: three keep two cores busy
  workers: 3,
  fullyParallel: false,
  // several browsers and relays on two cores: what fails once is tried once more, and the closing line says so
  retries: 1,
  forbidOnly: true,
  timeout: 180_000,
  globalTimeout: 1_800_000,
  expect: { timeout: 15_000 },
  reporter: 'list'
});
