import { defineConfig } from '@playwright/test';

/** Browsers and relays are started by the tests themselves (support/): a story needs several of each. */
export default defineConfig({
  testDir: '.',
  testMatch: '**/*.test.ts',
  outputDir: '../../test-results/e2e',
  globalSetup: './support/setup.ts',
  // a story waits as much as it works: three keep two cores busy
  workers: 3,
  fullyParallel: false,
  // several browsers and relays on two cores: what fails once is tried once more, and the closing line says so
  retries: 1,
  forbidOnly: true,
  timeout: 180_000,
  globalTimeout: 900_000,
  expect: { timeout: 15_000 },
  reporter: 'list'
});
