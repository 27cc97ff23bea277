/**
 * `npm run sim -- --seeds N [--from S] [--json]`: lives N schedules and counts what broke. `--seed S` replays one and prints its trace.
 * `--failed` adds the seeds that failed once.
 * `npm run sim -- --planted [--known] [--json]`: plants each known bug alone in a copy of the code and looks for a schedule that notices; `--known`: only
 * at the one that is known to.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { FAILED } from './failed.mjs';
import { PLANTED } from './planted.mjs';

const { values: args } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' }, planted: { type: 'boolean' }, known: { type: 'boolean' }, only: { type: 'string' }, failed: { type: 'boolean' }, fresh: { type: 'boolean' }, most: { type: 'string' }, after: { type: 'string' }, until: { type: 'string' }, json: { type: 'boolean' }, workers: { type: 'string' } }
});
const KINDS = ['lost', 'forged', 'diverged', 'leaked', 'stuck', 'falseAlarms', 'missedForks'];
const WORKERS = Number(args.workers ?? Math.max(1, Math.min(2, availableParallelism())));
const say = (line) => process.stdout.write(`${line}\n`);

/** How long one schedule may take before it counts as never ending, in milliseconds. */
const ENDLESS = 120_000;

/** A worker on this bundle; `lived` hears of each schedule. Ends it when it is done. */
function live(path, seeds, untilBroken, lived, small = false) {
  return new Promise((done) => {
    let now = null;
    const stuck = (what) => lived({ seed: now, trace: [`seed ${now}`], breaches: [{ kind: 'stuck', words: what }] });
    const endless = () => {
      stuck('it never ended');
      child.kill('SIGKILL');
    };
    let watch = setTimeout(endless, ENDLESS);
    const child = fork(path, [], { execArgv: ['--enable-source-maps'], stdio: ['ignore', 'ignore', args.seed === undefined ? 'ignore' : 'inherit', 'ipc'] });
    child.on('message', (m) => {
      clearTimeout(watch);
      if (m.is !== 'done') watch = setTimeout(endless, ENDLESS);
      if (m.is === 'begins') now = m.seed;
      else if (m.is === 'ready') child.send({ seeds, untilBroken, small });
      else if (m.is === 'lived') lived(m);
      else child.kill();
    });
    child.on('exit', (code, signal) => {
      clearTimeout(watch);
      // one that never began a schedule says nothing of it
      if (code !== 0 && signal === null && now !== null) stuck('the process died');
      done();
    });
  });
}
const words = (l) => l.breaches.map((b) => `${b.kind}: ${b.words}`);

async function seeds(list, trace) {
  const path = await bundle(`run-${process.pid}`, null);
  const report = { schedules: 0, ...Object.fromEntries(KINDS.map((k) => [k, 0])) };
  const failed = [];
  await Promise.all(
    Array.from({ length: WORKERS }, (_, w) => live(path, list.filter((_, i) => i % WORKERS === w), false, (l) => {
      report.schedules++;
      for (const kind of new Set(l.breaches.map((b) => b.kind))) report[kind]++;
      if (l.breaches.length > 0) failed.push(l.seed);
      if (l.breaches.length > 0 || trace) say([...l.trace, ...words(l).map((x) => `BROKEN ${x}`), `(again with: npm run sim -- --seed ${l.seed})`].join('\n'));
    }))
  );
  if (failed.length > 0) say(`failed: ${failed.sort((a, b) => a - b).join(' ')}`);
  say(args.json || list.length > 1 ? JSON.stringify(report) : '');
  return failed.length === 0 && report.schedules === list.length;
}

/** Two at a time; each bug with its known seed first. */
async function planted() {
  const bugs = PLANTED.slice(Number(args.after ?? 0), Number(args.until ?? Infinity)).filter((b) => args.only === undefined || b.name.includes(args.only));
  let killed = 0;
  const queue = args.fresh ? bugs.filter((b) => b.seed === undefined) : [...bugs];
  const one = async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const path = await bundle(`planted-${process.pid}-${bugs.indexOf(bug)}`, bug).catch((e) => {
        say(`ALIVE          ${e.message.split('\n')[1] ?? e.message}`);
        return null;
      });
      if (path === null) continue;
      let by = null;
      const heard = (l) => {
        if (l.breaches.length > 0) by = l;
      };
      const list = Array.from({ length: Number(args.most ?? 2000) }, (_, i) => i).filter((i) => bug.among.includes(i % 10));
      if (bug.seed !== undefined) await live(path, [bug.seed], true, heard);
      // few shapes first: most bugs show there, and a group has to be made for each shape
      if (by === null && !args.known) await live(path, list, true, heard, true);
      if (by === null && !args.known && args.most === undefined) await live(path, list, true, heard);
      if (by !== null) killed++;
      say(`${by === null ? 'ALIVE         ' : `killed by ${String(by.seed).padStart(4)}`} ${bug.name}${by === null ? '' : ` — ${words(by)[0].slice(0, 140)}`}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, one));
  say(JSON.stringify({ planted: bugs.length, killed }));
  return killed === bugs.length;
}

const from = Number(args.from ?? 0);
const fine = args.planted ? await planted() : args.seed !== undefined ? await seeds([Number(args.seed)], true) : await seeds([...Array.from({ length: Number(args.seeds ?? 100) }, (_, i) => from + i), ...(args.failed ? FAILED : [])], false);
process.exit(fine ? 0 : 1);
