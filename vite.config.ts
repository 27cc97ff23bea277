import { paraglideVitePlugin } from '@inlang/paraglide-js';
import { sveltekit } from '@sveltejs/kit/vite';
import { fileURLToPath } from 'node:url';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { messageOptions } from './src/lib/i18n/compile.js';

const relay = `127.0.0.1:${process.env['PORT'] ?? '8787'}`;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const app = () => [paraglideVitePlugin(messageOptions), sveltekit()];

/** Tests that need no compiled component: only the two aliases. */
const plain = (name: string, include: string[], more: { exclude?: string[]; testTimeout?: number } = {}): TestProjectConfiguration => ({
  resolve: { alias: { $crypto: here('./crypto'), $lib: here('./src/lib') }, dedupe: ['yjs'] },
  test: { name, include, environment: 'node', testTimeout: 20_000, ...more }
});

export default defineConfig({
  // the test projects say for themselves which plugins they need
  plugins: process.env['VITEST'] ? [] : app(),
  build: { target: 'es2022' },
  worker: { format: 'es' },
  resolve: { dedupe: ['yjs'] },
  server: { proxy: { '/ws': { target: `ws://${relay}`, ws: true }, '/api': `http://${relay}`, '/healthz': `http://${relay}` } },
  test: {
    // vitest leaves one core to a person who works beside it
    maxWorkers: 2,
    projects: [
      plain('unit', ['tests/unit/**/*.test.ts'], { exclude: ['tests/unit/{ui,state,routes}/**'] }),
      {
        plugins: app(),
        resolve: { conditions: ['browser'] },
        test: { name: 'ui', include: ['tests/unit/{ui,state,routes}/**/*.test.ts'], environment: 'node' }
      },
      plain('vectors', ['tests/vectors/**/*.test.ts']),
      plain('properties', ['tests/properties/**/*.test.ts'], { testTimeout: 120_000 }),
      plain('scenarios', ['tests/{scenarios,sim}/**/*.test.ts'], { testTimeout: 60_000 }),
      plain('architecture', ['tests/architecture/**/*.test.ts'])
    ]
  }
});
