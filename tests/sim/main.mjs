/**
 * `npm run sim -- --seeds N [--from S] [--json]`: lives N schedules and counts what broke. `--seed S` replays one and prints its trace.
 * `npm run sim -- --planted [--json]`: plants each known bug alone in a copy of the code and looks for a schedule that notices.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.mjs';
import { PLANTED } from './planted.mjs';

const { values: args } = parseArgs({
  options: { seeds: { type: 'string' }, from: { type: 'string' }, seed: { type: 'string' }, planted: { type: 'boolean' }, known: { type: 'boolean' }, only: { type: 'string' }, json: { type: 'boolean' }, workers: { type: 'string' } }
});
const KINDS = ['lost', 'forged', 'diverged', 'leaked', 'stuck', 'falseAlarms', 'missedForks'];
const WORKERS = Number(args.workers ?? Math.max(1, Math.min(2, availableParallelism())));
const say = (line) => process.stdout.write(`${line}\n`);

/** A worker on this bundle; `lived` hears of each schedule. Ends it when it is done. */
function live(path, seeds, untilBroken, lived) {
  return new Promise((done) => {
    const child = fork(path, [], { execArgv: ['--enable-source-maps'], stdio: ['ignore', 'ignore', args.seed === undefined ? 'ignore' : 'inherit', 'ipc'] });
    child.on('message', (m) => {
      if (m.is === 'ready') child.send({ seeds, untilBroken });
      else if (m.is === 'lived') lived(m);
      else child.kill();
    });
    child.on('exit', (code, signal) => done(code === 0 || signal !== null));
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
  const bugs = PLANTED.filter((b) => args.only === undefined || b.name.includes(args.only));
  let killed = 0;
  const queue = [...bugs];
  const one = async () => {
    for (let bug = queue.shift(); bug !== undefined; bug = queue.shift()) {
      const path = await bundle(`planted-${process.pid}-${bugs.indexOf(bug)}`, bug);
      const list = args.known ? [bug.seed] : [bug.seed ?? 0, ...Array.from({ length: 2000 }, (_, i) => i)];
      let by = null;
      await live(path, list, true, (l) => {
        if (l.breaches.length > 0) by = l;
      });
      if (by !== null) killed++;
      say(`${by === null ? 'ALIVE ' : `killed by ${String(by.seed).padStart(4)}`} ${bug.name}${by === null ? '' : ` — ${words(by)[0].slice(0, 140)}`}`);
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, one));
  say(JSON.stringify({ planted: bugs.length, killed }));
  return killed === bugs.length;
}

const from = Number(args.from ?? 0);
const fine = args.planted ? await planted() : args.seed !== undefined ? await seeds([Number(args.seed)], true) : await seeds(Array.from({ length: Number(args.seeds ?? 100) }, (_, i) => from + i), false);
process.exit(fine ? 0 : 1);
