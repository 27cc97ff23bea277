/**
 * `npm run sim -- --seeds N [--from S] [--json]`: lives N schedules and counts what broke. `--seed S` replays one and prints its trace.
 * `--failed` adds the seeds that failed once; `--counts` says how often each deed, fault and death of the relay came about.
 * `npm run sim -- --planted [--known] [--json]`: plants each known bug alone in a copy of the code and looks for a schedule that notices; `--known`: only
 * at the one that is known to.
 */
import { fork } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundler, root } from './bundle.mjs';
import { FAILED } from './failed.mjs';
import { PLANTED } from './planted.mjs';

const { values: args } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' }, planted: { type: 'boolean' }, known: { type: 'boolean' }, only: { type: 'string' }, failed: { type: 'boolean' }, counts: { type: 'boolean' }, fresh: { type: 'boolean' }, most: { type: 'string' }, json: { type: 'boolean' }, workers: { type: 'string' } }
});
const KINDS = ['lost', 'forged', 'diverged', 'leaked', 'stuck', 'falseAlarms', 'missedForks'];
const WORKERS = Number(args.workers ?? Math.max(1, Math.min(2, availableParallelism())));
const say = (line) => process.stdout.write(`${line}\n`);

/** How long one schedule may take before it counts as never ending, in milliseconds. */
const ENDLESS = 120_000;
/** Copies of the code that one process loads, one after the other, before another takes its place. */
const COPIES = 16;

const results = join(root, 'test-results');
mkdirSync(results, { recursive: true });
const bundles = mkdtempSync(join(results, 'sim-'));
const stores = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'carefold-sim-'));
const code = await bundler(bundles);

/** A process that lives what it is told to, one order after the other. */
class Worker {
  child = null;
  orders = 0;

  /** Lives these seeds; `lived` hears of each schedule. A process that dies or never comes back is replaced. */
  live(order, lived) {
    if (this.orders++ % COPIES === COPIES - 1) this.end();
    this.child ??= this.begin();
    const { child } = this;
    return new Promise((done) => {
      let now = null;
      const stuck = (what) => lived({ seed: now, trace: [`seed ${now}`], breaches: [{ kind: 'stuck', words: what }] });
      const endless = () => {
        stuck('it never ended');
        now = null;
        child.kill('SIGKILL');
      };
      let watch = setTimeout(endless, ENDLESS);
      const over = () => {
        clearTimeout(watch);
        child.removeAllListeners();
        done();
      };
      child.on('message', (m) => {
        clearTimeout(watch);
        watch = setTimeout(endless, ENDLESS);
        if (m.is === 'begins') now = m.seed;
        else if (m.is === 'ready') child.send(order);
        else if (m.is === 'lived') lived(m);
        else over();
      });
      child.on('exit', () => {
        // one that never began a schedule says nothing of it
        if (now !== null) stuck('the process died');
        this.child = null;
        over();
      });
      if (child.isReady) child.send(order);
      child.isReady = true;
    });
  }
  begin() {
    return fork(code.worker, [], { execArgv: ['--enable-source-maps'], env: { ...process.env, SIM_FOLDER: stores }, stdio: ['ignore', 'ignore', args.seed === undefined ? 'ignore' : 'inherit', 'ipc'] });
  }
  end() {
    this.child?.kill();
    this.child = null;
  }
}
const workers = Array.from({ length: WORKERS }, () => new Worker());
const words = (l) => l.breaches.map((b) => `${b.kind}: ${b.words}`);

async function seeds(list, trace) {
  const path = await code.lives('product', null);
  const report = { schedules: 0, ...Object.fromEntries(KINDS.map((k) => [k, 0])) };
  const failed = [];
  const counts = {};
  await Promise.all(
    workers.map((w, at) => w.live({ path, seeds: list.filter((_, i) => i % WORKERS === at), atOnce: false, small: false }, (l) => {
      report.schedules++;
      for (const [what, n] of Object.entries(l.counts ?? {})) counts[what] = (counts[what] ?? 0) + n;
      for (const kind of new Set(l.breaches.map((b) => b.kind))) report[kind]++;
      if (l.breaches.length > 0) failed.push(l.seed);
      if (l.breaches.length > 0 || trace) say([...l.trace, ...words(l).map((x) => `BROKEN ${x}`), `(again with: npm run sim -- --seed ${l.seed})`].join('\n'));
    }))
  );
  if (failed.length > 0) say(`failed: ${failed.sort((a, b) => a - b).join(' ')}`);
  if (args.counts) for (const [what, n] of Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1))) say(`${String(n).padStart(6)} ${what}`);
  say(args.json || list.length > 1 ? JSON.stringify(report) : '');
  return failed.length === 0 && report.schedules === list.length;
}

/** Two at a time; each bug with its known seed first. */
async function planted() {
  const bugs = PLANTED.filter((b) => args.only === undefined || b.name.includes(args.only));
  let killed = 0;
  const queue = args.fresh ? bugs.filter((b) => b.seed === undefined) : [...bugs];
  const one = async (worker) => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const path = await code.lives(`planted-${bugs.indexOf(bug)}`, bug).catch((e) => {
        say(`ALIVE          ${e.message.split('\n')[1] ?? e.message}`);
        return null;
      });
      if (path === null) continue;
      let by = null;
      const look = (list, small) => worker.live({ path, seeds: list, atOnce: true, small }, (l) => {
        if (l.breaches.length > 0) by ??= l;
      });
      const list = Array.from({ length: Number(args.most ?? 2000) }, (_, i) => i).filter((i) => bug.among.includes(i % 10));
      if (bug.seed !== undefined) await look([bug.seed], false);
      // few shapes first: most bugs show there, and a group has to be made for each shape
      if (by === null && !args.known) await look(list, true);
      if (by === null && !args.known && args.most === undefined) await look(list, false);
      if (by !== null) killed++;
      say(`${by === null ? 'ALIVE         ' : `killed by ${String(by.seed).padStart(4)}`} ${bug.name}${by === null ? '' : ` — ${words(by)[0].slice(0, 140)}`}`);
    }
  };
  await Promise.all(workers.map(one));
  say(JSON.stringify({ planted: bugs.length, killed }));
  return killed === bugs.length;
}

const from = Number(args.from ?? 0);
let fine = false;
try {
  fine = args.planted ? await planted() : args.seed !== undefined ? await seeds([Number(args.seed)], true) : await seeds([...Array.from({ length: Number(args.seeds ?? 100) }, (_, i) => from + i), ...(args.failed ? FAILED : [])], false);
} finally {
  for (const w of workers) w.end();
  await code.end();
  for (const folder of [bundles, stores]) rmSync(folder, { recursive: true, force: true });
}
process.exit(fine ? 0 : 1);
