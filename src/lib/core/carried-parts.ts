/** What a device holds of a group that ended in a fork, as it goes along to the next one (PROTOCOL §15.9): its envelopes in order, their pictures, and the parts that it is cut into. */
import { hex } from '$crypto/bytes';
import type { CarriedEnvelope, CarriedPart } from '$crypto/carried';
import type { ReceiptedEntry } from '$crypto/frames';
import { LIMIT } from '$crypto/limits';
import type { KeyringItem } from '$crypto/lockbox';
import { rowByDevice } from '$crypto/roster/state';
import { recordsOf } from '../care/lane';
import { scanUpdate } from '../care/lane-scan';
import { blobsOf, parseRecord } from '../care/record';
import { judgeEnvelope, LOG_START, type LogPlace } from '../group/log';
import { isAtEnd } from './carried-check';
import type { GroupRun } from './group-run';
import type { InboxRow } from './group-rows';
import { envelopesHere } from './inbox';
import { openPlain } from './project';

/** Bytes of a part for what stands around its items. */
const AROUND = 64;
/** What an item takes beside its own bytes, at most. */
const BESIDE = 256;

/** Every envelope that this device took, as it is, in the order of the feed and of each log: what does not follow in its log is left out with all after it, and a log that ended and is not whole here counts for nobody. */
export async function* takenOf(old: GroupRun): AsyncGenerator<InboxRow> {
  const heads = new Map<number, LogPlace>();
  const early = new Map<number, Map<number, InboxRow>>();
  for await (const rows of envelopesHere(old)) {
    for (const { row } of rows) {
      const head = old.heads.get(row.device) ?? LOG_START;
      const device = rowByDevice(old.state, row.device);
      if (row.state === 'held' || row.n > head.n || device === null || !isAtEnd(old.state, device, head)) continue;
      const log = early.get(row.device) ?? new Map<number, InboxRow>();
      early.set(row.device, log.set(row.n, row));
      for (let at = heads.get(row.device) ?? LOG_START, next = log.get(at.n + 1); next !== undefined; next = log.get(at.n + 1)) {
        log.delete(next.n);
        const j = judgeEnvelope(old.state, device, at, next.envelope);
        if (j.is === 'held' || j.is === 'refused') break;
        at = j.next;
        heads.set(row.device, at);
        yield next;
      }
    }
  }
}

/** Pictures of posts that their authors did not take back, by id. */
export class Pictures {
  private readonly of = new Map<string, readonly string[]>();

  constructor(private readonly old: GroupRun) {}

  note(row: InboxRow): void {
    const opened = row.state === 'ok' ? openPlain(this.old, row) : null;
    if (opened === null || !scanUpdate(opened.plain).ok) return;
    for (const r of recordsOf(opened.plain).map(parseRecord)) {
      if (r?.t === 'post' && r.p !== undefined) this.of.set(`${r.i} ${hex(opened.author)}`, blobsOf(r).map((b) => b.b));
      else if (r?.t === 'retract') this.of.delete(`${r.o} ${hex(opened.author)}`);
    }
  }
  get ids(): readonly string[] {
    return [...new Set([...this.of.values()].flat())];
  }
}

/** Fills parts up to their limit, each given away as soon as it is full. */
export class PartMaker {
  private index = 0;
  private bytes = 0;
  private now: { entries: ReceiptedEntry[]; keys: KeyringItem[]; envelopes: CarriedEnvelope[] } = { entries: [], keys: [], envelopes: [] };

  constructor(private readonly give: (part: CarriedPart) => Promise<void>) {}

  async add<K extends 'entries' | 'keys' | 'envelopes'>(kind: K, item: CarriedPart[K][number], size: number): Promise<void> {
    const list = this.now[kind] as CarriedPart[K][number][];
    if (this.bytes + size + BESIDE > LIMIT.carriedPart - AROUND || list.length >= LIMIT.carriedItems) await this.end();
    (this.now[kind] as CarriedPart[K][number][]).push(item);
    this.bytes += size + BESIDE;
  }
  async end(): Promise<void> {
    const part = { index: this.index, ...this.now };
    if (this.bytes === 0) return;
    this.index++;
    this.bytes = 0;
    this.now = { entries: [], keys: [], envelopes: [] };
    await this.give(part);
  }
}
