/**
 * Bugs that must not survive: each is one text of the project's own source said otherwise, planted alone in a copy. `seed` is the first
 * schedule that is known to notice it, `among` the kind of schedules to look in; `also`: what says it otherwise elsewhere, where two places
 * keep each other right.
 */
const bug = (name, file, find, replace, [among, seed] = [HONEST], also = []) => ({ name, file, find, replace, among, seed, also });
/** Last digits of the seeds whose schedules are of that kind. */
const HONEST = [0, 1, 2, 3, 4, 5];
const MEMBER = [9];
const LIES = [6, 7];
const FORK = [8];
const RELAY = { append: 'relay/append.ts', log: 'relay/log-sqlite.ts', enter: 'relay/enter.ts', fanout: 'relay/fanout.ts', access: 'relay/access.ts', reads: 'relay/reads.ts' };
const CORE = (name) => `src/lib/core/${name}.ts`;
const ROSTER = (name) => `crypto/roster/${name}.ts`;

export const PLANTED = [
  // the relay
  bug('acks another envelope at a number', RELAY.log, '      if (there !== null && equal(there.envelope, a.envelope)) return', '      if (there !== null) return', [MEMBER, 19]),
  bug('takes a number too far', RELAY.log, "    if (a.n > head.n + 1) return no('gap');", '', [MEMBER, 9]),
  bug('says welcome with a head too short', RELAY.access, 'const { n, hash, feed } = r.value;', 'const { hash, feed } = r.value;\n      const n = Math.max(0, r.value.n - 1);', [HONEST, 4]),

  // sending
  bug('loses the outbox when it seals', CORE('send'), 'const sealed: SealedRow = { n: header.n, bytes: envelope, keys: ready.map((o) => o.key) };', 'const sealed: SealedRow = { n: header.n, bytes: envelope, keys: ready.map((o) => o.key) };\n  run.outbox = run.outbox.filter((o) => !sealed.keys.includes(o.key));', [HONEST, 25]),
  bug('seals under the first epoch', CORE('send'), '  const epoch = currentEpoch(run.state).seq;', '  const epoch = run.state.epochs[0]?.seq ?? 1;', [HONEST, 4]),

  // receiving
  bug('keeps the cursor and not the rows', CORE('settle'), "[put('inbox', keyOf.inbox(run.ref, row), row), ...settleOwn(run, row)]", "[...settleOwn(run, row)]", [HONEST, 53]),
  bug('clears the outbox at any ack', CORE('settle'), 'return [...changes, ...left, ...anew.map(putWaiting)];', 'return [...changes, ...leaveOutbox(run, run.outbox.map((o) => o.key)), ...left, ...anew.map(putWaiting)];', [HONEST, 4]),
  bug('takes keys that fit no commitment', CORE('receive'), "      const fits = place !== null", "      const fits = true || place !== null", [MEMBER, 69]),

  // the roster
  bug('never sends a lost entry again', CORE('session'), '  await resendPending(run);\n', '', [HONEST, 221]),

  // sessions, the store, the link
  bug('seals every row under one nonce', 'crypto/at-rest.ts', '  const nonce = random(NONCE);', '  const nonce = random(NONCE).fill(7);', [HONEST, 4]),
  bug('seals every envelope under one nonce', 'crypto/envelope.ts', 'random(ENVELOPE_NONCE)', 'random(ENVELOPE_NONCE).fill(7)', [HONEST, 4]),
  // more of all of them
  bug('forgets the outbox over a restart', CORE('group-run'), '    run.outbox = outbox.map((r) => ({ ...r.value, key: r.key }));', '    run.outbox = [];', [HONEST, 4]),
  bug('gives every record one place in the outbox', CORE('group-run'), '    return ++this.made;', '    return (this.made = 1);', [HONEST, 4]),
  bug('uses one client id for an epoch', 'src/lib/care/lane.ts', '    const r = random(4);', '    const r = random(4).fill(1);', [HONEST, 4]),
  bug('writes in the lane of the next device', 'src/lib/care/lane.ts', 'this.client = device * SPAN +', 'this.client = (device + 1) * SPAN +', [HONEST, 4]),
  bug('says seen by everybody', CORE('group-view'), 'readers.filter((m) => isSeenBy(run, m, p.device, p.n))', 'readers.filter((m) => m.length > 0)', [HONEST, 4]),
  bug('says a change seen by who saw the words before', CORE('group-view'), 'readers.filter((m) => a.seen?.includes(m) === true)', 'had', [HONEST, 110]),
  bug('says seen up to the number, not from it', 'src/lib/care/feed.ts', '    logs[String(device)] = join(logs[String(device)] ?? [], [from, to]);', '    logs[String(device)] = join(logs[String(device)] ?? [], [1, to + 9]);', [HONEST, 32]),
  bug('pushes envelopes back to their author alone', RELAY.fanout, 'for (const s of g.logs) if (!authors.has(s)) s', 'for (const s of g.logs) if (authors.has(s)) s', [HONEST, 32]),
  bug('reuses the number of the last envelope', CORE('send'), 'const header = { n: at.n + 1,', 'const header = { n: Math.max(1, at.n),', [HONEST, 4]),
  bug('leaves the cursor behind its rows', CORE('group-run'), 'const row: HeadsRow = { cursor: this.cursor,', 'const row: HeadsRow = { cursor: this.cursor + 1,', [HONEST, 4]),
  bug('forgets where logs stand over a restart', CORE('group-run'), '      for (const [device, place] of heads.heads) run.heads.set(device, place);', '', [HONEST, 4]),
  bug('puts a word of one log into another’s place', CORE('project'), '    run.feed.add(r, at);', '    run.feed.add(r, { ...at, n: row.n + (row.seq % 3 === 0 ? 1 : 0) });', [HONEST, 32]),

  // the plainest
  bug('asks for the roster from one too late', CORE('fetch'), 'after: Math.max(0, run.entries.length - overlap) });', 'after: run.entries.length + 1 });', [HONEST, 13]),
  bug('commits to the other key', CORE('change'), 'commitContent(at, keys.content)', 'commitContent(at, keys.roster)', [HONEST, 4]),
  bug('forgets what a client id has written', CORE('project'), '  known[placeOfClient(said.client, opened.epoch)] = said.next;', '', [HONEST, 32]),
  bug('takes only the first update of a client id', 'src/lib/care/lane.ts', "  if (clock !== (next(client, clock) ?? 0)) return err('gap');", "  if (clock !== 0) return err('gap');", [HONEST, 32]),
  bug('keeps new words from its own sight', CORE('send'), '  run.outbox.push(...items);\n', '', [HONEST, 4]),
  bug('gives two members one device index', ROSTER('fold'), "kem: b.row.kem, device: s.rows.size + 1, rank: 'ordinary', from: e.seq", "kem: b.row.kem, device: s.rows.size, rank: 'ordinary', from: e.seq", [HONEST, 4]),

  // an older store, copies, and what came before
  bug('goes on in its old life after a restore', 'relay/lives.ts', 'const incarnation = Math.max(now, last + 1, above + 1);', 'const incarnation = last;', [HONEST, 40]),
  bug('gives a restored relay no envelope back', CORE('give-back'), 'if (n > h.n) toGive.push', 'if (n > h.n + 1e9) toGive.push', [HONEST, 41]),
  bug('cannot read a roster that an earlier version kept', ROSTER('state'), '  if (version < 1 || version > STATE) r.fail();', '  if (version !== STATE) r.fail();', [HONEST, 13]),

  // what only the relay's process, machine or disk brings to light
  bug('says entered before it is stored', RELAY.enter, "  h.ringing?.stop(group, gone);\n  h.log.call(\n    'enter',", "  h.ringing?.stop(group, gone);\n  connection.send({ is: 'entered', re: f.re, group: group.id, receipt: receipted.receipt });\n  h.log.call(\n    'enter',", [HONEST, 313]),
  bug('acks what it has in memory alone', RELAY.log, '        this.feed.flush();\n        return answers;', '        return answers;', [HONEST, 55]),
  bug('skips the fsync', 'relay/sqlite.ts', "      this.run('BEGIN IMMEDIATE');", "      this.db.exec('PRAGMA synchronous = NORMAL');\n      this.run('BEGIN IMMEDIATE');", [HONEST, 50]),
  bug('takes a resend for another envelope', RELAY.log, "      if (there !== null && equal(there.envelope, a.envelope)) return { is: 'again', seq: there.seq, time: there.time };\n", '', [MEMBER, 19]),
  bug('does not remember at its start what waits for a row', 'relay/feed-sqlite.ts', '      this.row = f.row;\n      this.put(f, true);', '      this.row = f.row;', [HONEST, 55]),

  // the relay against a member
  bug('forgets the fence', RELAY.append, 'e.rosterSeq > s.seq || e.rosterSeq < s.fence || owedAt(s, e.rosterSeq)', 'e.rosterSeq > s.seq || owedAt(s, e.rosterSeq)', [MEMBER, 89]),
  bug('goes on with whom an entry ended', RELAY.enter, '      tellEnded(h, s.group.logs, state);\n      done();', '      done();', [MEMBER, 9]),
  bug('removes without asking where the logs stand', RELAY.log, "    if (heads.some((h, i) => h.n !== e.ends[i]?.n || !equal(h.hash, e.ends[i].hash))) return { is: 'moved', heads };\n", '', [HONEST, 621]),
  bug('ignores a hold', RELAY.append, 'time < (group.held.get(s.device) ?? 0)', 'time < 0', [MEMBER, 9]),
  bug('takes what is given back without its signature', 'relay/heal.ts', '    if (!verifyEnvelope(place, read.value)) continue;\n', '', [MEMBER, 79]),

  // clients against a member
  bug('does not check whose lane it is', 'src/lib/care/lane.ts', '  if (!Number.isSafeInteger(client) || Math.floor(client / SPAN) !== device)', '  if (!Number.isSafeInteger(client))', [MEMBER, 39]),
  bug('takes what lies beyond the cut-off', 'src/lib/group/log.ts', "  if (row.end !== null && header.n > row.end.cut.n) return { is: 'refused', why: 'beyond-cut' };\n", '', [MEMBER, 159]),
  bug('shows a record each time it comes', 'src/lib/care/feed.ts', '        if (this.byId.has(id)) return;\n', '', [MEMBER, 489]),
  bug('lets a newcomer have all of the past', CORE('change'), 'map((k) => ({ ...k, content: k.epoch >= horizon ? k.content : null }))', 'map((k) => ({ ...k, content: horizon >= 0 ? k.content : null }))', [HONEST, 54]),
  bug('does not know that a rotation is owed', ROSTER('state'), 's.owed.some((o) => o.from <= seq && (o.to === null || seq < o.to));', 's.owed.some((o) => o.from < o.from + 0 * seq);', [HONEST, 231]),
  bug('leaves the recovery rows without keys', CORE('change'), '  const made = makeRotation(at, rows, keys,', "  const made = makeRotation(at, rows.filter((r) => !('rank' in r) || r.rank !== 'recovery'), keys,", [HONEST, 55]),
  bug('takes the ownership that nobody offered', ROSTER('rules'), "        if (s.claim === null || s.claim.by !== by || s.claim.seq !== b.offer) return 'no-offer';\n", '        if (s.claim === null) return null;\n', [MEMBER, 49]),

  // whoever has a lost device
  bug('puts a lost device out and goes on under the keys of before', CORE('change'), '  const keys = newEpochKeys(run.around.random);\n', "  const isLoss = rows.length < liveRows(run.state).length && rowsOf(run.state, run.me).some((r) => !rows.includes(r));\n  const keys = (isLoss ? run.keyring.get(currentEpoch(run.state).seq) as EpochKeys | undefined : undefined) ?? newEpochKeys(run.around.random);\n", [HONEST, 10]),
  bug('puts a lost device out and gives it the new keys', CORE('change'), '  return rotating(run, at, liveRows(run.state).filter((r) => r !== row), null, (rotation) => (', '  return rotating(run, at, liveRows(run.state), null, (rotation) => (', [HONEST, 1395], [
    { file: ROSTER('rules'), find: '      return recipients(b.rotation, liveRows(s).filter((r) => r !== row).map((r) => hex(r.logPk)));', replace: '      return recipients(b.rotation, liveRows(s).map((r) => hex(r.logPk)));' }
  ]),

  // clients against a hostile relay
  bug('believes that it is out without a receipt', CORE('session'), "async function finishGone(run: GroupRun, seq: number): Promise<void> {\n  run.session = 'gone';", "async function finishGone(run: GroupRun, seq: number): Promise<void> {\n  run.row.ended ??= 'removed';\n  run.session = 'gone';", [LIES, 27]),
  bug('takes entries without looking at the receipt', CORE('receive'), '|| !verifyReceipt(run.state.group, receipt)) {', ') {', [LIES, 96]),
  bug('takes envelopes without looking at the signature', 'src/lib/group/log.ts', "  if (!verifyEnvelope(context, read.value)) return { is: 'refused', why: 'forged' };\n", '', [LIES, 147]),
  bug('stops at an entry that does not count', ROSTER('fold'), "  return fault === null ? { state: withClaim(s, apply(s, passed, d.value), d.value), void: null, entry: d.value } : { state: passed,", "  return fault === null ? { state: withClaim(s, apply(s, passed, d.value), d.value), void: null, entry: d.value } : { state: s,", [LIES, 27]),
  bug('never reads the feed again', CORE('heal'), 'if ((isSuspicious(run) && !run.readAgain) || isDue(run)) {', 'if (run.cursor < 0) {', [LIES, 96]),
  bug('does not look at the newest entry again', CORE('session'), '!(await fetchRoster(run, true))', '!(await fetchRoster(run))', [FORK, 8]),
  bug('speaks to a relay that is behind', CORE('session'), 'if (isBehind || run.isHalted) halt(run,', 'if (run.isHalted) halt(run,', [FORK, 48]),
  bug('does not compare its own log', CORE('session'), ' || f.head.n < run.ownHead.n);', ');', [FORK, 258]),

  // what only this or that mishap of a device brings to light
  bug('writes though another window took over', 'src/lib/store/memory.ts', "    if (now.fence !== fence) throw new StoreError('fenced');\n", '', [HONEST, 32]),
  bug('goes on in its own lane after its log went another way', CORE('settle'), "    if (!equal(run.sealed.bytes, row.envelope) || row.state === 'void') run.writer = null;\n", '', [HONEST, 70]),
  bug('lets words go with the envelope that was displaced', CORE('settle'), "    changes.push(drop('sealed', keyOf.sealed(run.ref)));\n    run.sealed = null;\n  }\n  const opened", "    changes.push(drop('sealed', keyOf.sealed(run.ref)), ...leaveOutbox(run, run.sealed.keys));\n    run.sealed = null;\n  }\n  const opened", [HONEST, 70]),
  bug('keeps a draft in memory alone', CORE('commands-feed'), "        await run.commit([put('draft', run.ref, draft)]);\n", '', [HONEST, 50]),
  bug('holds words for years when the clock is set', CORE('hold'), 'heldUntil > now && heldUntil <= now + HOLD_MOST;', 'heldUntil > now;', [HONEST, 4]),
  bug('says what waited over a rotation under the ids of before', CORE('send'), '  await renewWaiting(run);\n', '', [HONEST, 185]),
  bug('ignores that words are held', CORE('send'), '    if (isLate || isHeld(o, now) || waits', '    if (isLate || waits', [HONEST, 55]),
  bug('marks all before as seen', CORE('seen-marks'), 'return [p.device, before > 0 && isWhole(p.device, before) ? Math.max(before + 1, openSince) : p.n, p.n];', 'return [p.device, before > 0 ? 1 : p.n, p.n];', [HONEST, 70]),
  bug('comes back under the keys of the recovery row', CORE('restore'), 'id: at.id, logSeed: own.logSeed, kemSeed: own.kemSeed, tag: at.tag,', "id: at.id, ...('logSeed' in at ? (at as never) : own), tag: at.tag,", [HONEST, 55]),
  bug('does not make the feed again when the cache is gone', CORE('project'), '  if (missing === 0 && endedSince(run, cutUpTo).length === 0) return;', '  if (upTo === 0 || (missing === 0 && endedSince(run, cutUpTo).length === 0)) return;', [HONEST, 54]),
  bug('forgets what there was no room for when it reads what it has', CORE('inbox'), '    const waiting = run.unkept;', '    const waiting: typeof run.unkept = [];', [HONEST, 1090]),
  bug('lets what is shown again take the place of another', CORE('heal'), '...(counts || isAgain ? { loose: true } : {})', '', [LIES, 12026]),
  bug('counts the cursor before the rows when the disk is full', CORE('settle'), 'await run.commitOrCarryOn([...changes, run.headsRow()]);\n  const rows', 'await run.commitOrCarryOn([run.headsRow()]);\n  await run.commitOrCarryOn([...changes]);\n  const rows', [HONEST, 55])
];
