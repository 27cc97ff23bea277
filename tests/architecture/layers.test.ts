import { describe, expect, it } from 'vitest';
import { closure, sourcesIn, type Source } from './sources';

const sources = sourcesIn('src', 'crypto', 'relay');

/** What stands on what. A layer may import itself and what is listed, nothing above it and no neighbour. */
const BELOW = {
  routes: ['ui', 'state', 'port', 'words', 'trusted'],
  ui: ['state', 'port', 'words', 'strength'],
  state: ['port', 'leader', 'words', 'trusted', 'worker'],
  worker: ['core', 'leader', 'port', 'care', 'sync', 'vault', 'invite', 'store', 'group', 'crypto'],
  core: ['leader', 'port', 'strength', 'care', 'sync', 'vault', 'invite', 'store', 'group', 'crypto'],
  care: ['store', 'group', 'crypto'],
  sync: ['store', 'group', 'crypto'],
  vault: ['strength', 'store', 'group', 'crypto'],
  invite: ['store', 'group', 'crypto'],
  store: ['crypto'],
  group: ['crypto'],
  crypto: [],
  relay: ['crypto'],
  // locks are held in windows, never in workers, so the page runs this one
  leader: ['port'],
  // pure, so that the page says of a passphrase, and of the words of a phrase, what the vault will
  strength: [],
  port: [],
  words: [],
  trusted: [],
  shell: ['state', 'port', 'words', 'trusted']
} as const satisfies Record<string, readonly string[]>;
type Layer = keyof typeof BELOW;

function layerOf(path: string): Layer | undefined {
  if (path === 'src/lib/core/port.ts') return 'port';
  if (path === 'src/lib/core/worker.ts') return 'worker';
  if (path === 'src/lib/core/leader.ts') return 'leader';
  if (/^src\/lib\/vault\/(strength|common|words)\.ts$/.test(path)) return 'strength';
  if (path === 'src/lib/trusted.ts') return 'trusted';
  if (/^src\/lib\/(i18n|paraglide)\//.test(path)) return 'words';
  if (/^src\/(app\.d|hooks\.client|service-worker)\.ts$/.test(path)) return 'shell';
  const name = /^src\/lib\/([a-z]+)\//.exec(path)?.[1] ?? /^(?:src\/)?(routes|crypto|relay)\//.exec(path)?.[1];
  return name !== undefined && name in BELOW ? (name as Layer) : undefined;
}

const isAllowed = (from: Layer, to: Layer): boolean => from === to || (BELOW[from] as readonly string[]).includes(to);

function cyclesAmong(all: readonly Source[]): string[] {
  const byPath = new Map(all.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) {
      found.push([...way.slice(at), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    byPath.get(path)?.needs.forEach((next) => visit(next, [...way, path]));
    done.add(path);
  };
  all.forEach((source) => visit(source.path, []));
  return found;
}

describe('the layers', () => {
  it('have a place for every source file', () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((source) => layerOf(source.path) === undefined).map((source) => source.path)).toEqual([]);
  });

  it('import only downwards', () => {
    const wrong = sources.flatMap((source) =>
      source.imports.flatMap((target) => {
        const from = layerOf(source.path);
        const to = layerOf(target);
        return from && to && isAllowed(from, to) ? [] : [`${source.path} (${from}) → ${target} (${to})`];
      })
    );
    expect(wrong).toEqual([]);
  });

  it('contain no import cycle', () => {
    expect(cyclesAmong(sources)).toEqual([]);
  });

  it('meet the worker by its address alone', () => {
    const wrong = sources.flatMap((source) =>
      layerOf(source.path) === 'state' ? source.asks.filter((asked) => /core\/worker/.test(asked) && !/\?worker&url$/.test(asked)) : []
    );
    expect(wrong).toEqual([]);
  });

  it('keep the border between page and worker free of anything that runs', () => {
    const port = sources.find((source) => source.path === 'src/lib/core/port.ts');
    expect(port?.imports).toEqual([]);
    expect(port?.text).not.toMatch(/^export (const|let|function|class|enum|default)/m);
  });
});

describe('a library', () => {
  const HOMES: readonly (readonly [name: RegExp, home: RegExp])[] = [
    [/^libsodium/, /^crypto\//],
    [/^hash-wasm$/, /^crypto\//],
    [/^(yjs|y-protocols)$/, /^src\/lib\/care\//],
    // its byte codec also packs what core keeps for itself
    [/^lib0$/, /^src\/lib\/(care|core)\//],
    [/^dexie$/, /^src\/lib\/store\//],
    [/^(hono|@hono\/.*|ws|@photostructure\/sqlite|postgres|@nats-io\/.*|aws4fetch|node:.*)$/, /^relay\/|^src\/lib\/i18n\/compile\.js$/],
    [/^(svelte|bits-ui|@lucide\/svelte|virtua)$/, /^src\/(routes|lib\/(ui|state))\//],
    [/^workbox-/, /^src\/service-worker\.ts$/]
  ];

  it('is imported in its home and nowhere else', () => {
    const wrong = sources.flatMap((source) =>
      source.packages.flatMap((name) =>
        HOMES.filter(([pattern, home]) => pattern.test(name) && !home.test(source.path)).map(() => `${source.path} → ${name}`)
      )
    );
    expect(wrong).toEqual([]);
  });
});

describe('the relay', () => {
  it('contains no cipher, so that it cannot open what it stores', () => {
    const reached = closure(sources, 'relay/main.ts');
    expect(reached.map((source) => source.path)).toContain('crypto/wire.ts');
    const cipher = /crypto_(aead|secretbox|secretstream|box|kem|pwhash|stream)_|argon2|subtle\.(en|de)crypt|createDecipher|createCipher/;
    expect(reached.filter((source) => cipher.test(source.text)).map((source) => source.path)).toEqual([]);
  });
});
