import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { fingerprint } from './relay/fingerprint.mjs';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true },
  kit: {
    adapter: adapter({ pages: 'build', assets: 'build', fallback: 'index.html', precompress: true, strict: true }),
    alias: { $crypto: 'crypto', '$crypto/*': 'crypto/*' },
    // The cache revision of the page. Made from the sources, so the same tree always builds the same bytes.
    version: { name: fingerprint(import.meta.dirname), pollInterval: 0 },
    serviceWorker: { register: false },
    csp: {
      mode: 'hash',
      directives: {
        'default-src': ['none'],
        // libsodium and Argon2id are WebAssembly
        'script-src': ['self', 'wasm-unsafe-eval'],
        'style-src': ['self'],
        // the one style attribute SvelteKit writes itself: its route announcer
        'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
        'img-src': ['self', 'blob:', 'data:'],
        'media-src': ['self', 'blob:'],
        'font-src': ['self'],
        // covers the relay's WebSocket too where it is the same origin; relay/apart.mjs adds another's
        'connect-src': ['self'],
        'worker-src': ['self'],
        'manifest-src': ['self'],
        'base-uri': ['none'],
        'form-action': ['none'],
        'object-src': ['none'],
        'require-trusted-types-for': ['script'],
        'trusted-types': ['svelte-trusted-html', 'carefold-url']
      }
    },
    typescript: {
      config: (config) => {
        config.include.push('../crypto/**/*.ts');
        return config;
      }
    }
  }
};
