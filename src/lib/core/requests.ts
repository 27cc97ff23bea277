/** Requests to join that wait for this device's answer (PROTOCOL §13.4). */
import type { Bytes } from '$crypto/brand';
import { equal, hex, toText } from '$crypto/bytes';
import type { MailedRequest } from '$crypto/frames';
import { openRequest } from '$crypto/invite-secret';
import { LIMIT } from '$crypto/limits';
import { joinNumber } from '$crypto/passphrase';
import { type NewRow, verifyNewRow } from '$crypto/roster/entry';
import * as v from 'valibot';
import { asLine } from '../group/name';
import type { GroupRun, OpenedRequest } from './group-run';

const asked = v.object({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(200), v.transform(asLine)), role: v.picklist(['clinician', 'patient', 'family']) });

/** Numbers under one invite in an hour: an honest relay lets no more new requests come (PROTOCOL §13.3). */
const NUMBERS = 20;
const HOUR = 3_600_000;

/** Hears what the mailbox holds, beside the group's turn: each number takes its time, and words must not wait for it. */
export function hearRequests(run: GroupRun, items: readonly MailedRequest[], all: boolean): void {
  void run.asking.take(() => takeRequests(run, items, all)).catch((e: unknown) => run.around.failed(e));
}

/** Opens what the mailbox holds; `all` when nothing else waits. Requests that do not open or do not prove their keys are passed over. */
async function takeRequests(run: GroupRun, items: readonly MailedRequest[], all: boolean): Promise<void> {
  const { bearer } = run;
  const opened: OpenedRequest[] = [];
  for (const m of items) {
    if (run.bearer !== bearer) return;
    const before = run.requests.find((k) => isSame(k, m));
    const one = m.body.length === 0 ? null : (before ?? (await open(run, m)));
    if (one !== null) opened.push(one);
  }
  if (run.bearer !== bearer) return;
  // an empty one was taken back
  const taken = items.filter((m) => m.body.length === 0);
  const next: OpenedRequest[] = [];
  for (const r of [...(all ? [] : run.requests), ...opened]) {
    const under = next.filter((n) => equal(n.invite, r.invite));
    const isAgain = under.some((n) => equal(n.row.logPk, r.row.logPk));
    if (isAgain || under.length >= LIMIT.requestsPerInvite || taken.some((m) => equal(m.request, r.request)) || !isOpen(run, r.invite, r.row)) continue;
    next.push(r);
  }
  run.requests = next;
  run.around.changed(run.ref, 'group', null);
}
const isSame = (k: OpenedRequest, m: MailedRequest): boolean => equal(k.request, m.request) && equal(k.invite, m.invite);

/** Whether the invite waits for somebody, and this is not somebody who is known. */
const isOpen = (run: GroupRun, invite: Bytes, row: NewRow): boolean =>
  run.state.invites.get(hex(invite) as never)?.state === 'pending' && !run.state.rows.has(hex(row.logPk)) && !run.state.members.has(hex(row.member));

async function open(run: GroupRun, m: MailedRequest): Promise<OpenedRequest | null> {
  if (run.state.invites.get(hex(m.invite))?.state !== 'pending') return null;
  const r = openRequest(run.state.group, m.invite, { logPk: run.keys.logPk, pair: run.keys.kem }, m.body);
  if (!r.ok || !verifyNewRow(run.state.group, m.invite, r.value.row) || !isOpen(run, m.invite, r.value.row)) return null;
  const person = parse(r.value.display);
  const number = person === null ? null : await numberOf(run, m.invite, r.value.row);
  if (person === null || number === null) return null;
  return { invite: m.invite, request: m.request, number, at: m.time, row: r.value.row, ...person, answerKey: r.value.answerKey };
}

/** The number of a row, reckoned once; null when too many were under this invite. */
async function numberOf(run: GroupRun, invite: MailedRequest['invite'], row: NewRow): Promise<string | null> {
  const key = `${hex(invite)} ${hex(row.logPk)} ${hex(row.kem)}`;
  const known = run.numbers.get(key);
  if (known !== undefined) return known.number;
  const now = run.around.clock();
  for (const [k, { at }] of run.numbers) if (Math.abs(now - at) >= HOUR) run.numbers.delete(k);
  if ([...run.numbers.keys()].filter((k) => k.startsWith(hex(invite))).length >= NUMBERS) return null;
  const number = await joinNumber(run.state.group, invite, row.logPk, row.kem);
  run.numbers.set(key, { number, at: now });
  return number;
}

function parse(b: Bytes): v.InferOutput<typeof asked> | null {
  try {
    const parsed = v.safeParse(asked, JSON.parse(toText(b) ?? ''));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
