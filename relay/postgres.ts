/** PostgreSQL as the store uses it: a server that can write, durable when it commits, numbers as numbers and bytes as bytes. */
import { Socket } from 'node:net';
import postgres, { type Sql } from 'postgres';
import type { Found, Value } from './steps';

/** Runs one statement, `?` for each value. */
export type Rows = (text: string, values: readonly Value[]) => Promise<readonly Found[]>;

/**
 * One connection, made when it is needed, and never another in its place: the driver would go on with the rest of a transaction over a new
 * one, where each statement counts for itself. `closed` hears that it is over; what is asked after that fails.
 */
export function connectTo(url: string, closed: () => void = () => undefined): Sql {
  let isOver = false;
  let tries = 0;
  const options = {
    // nor does the driver end one that was open for long
    max: 1, connect_timeout: 5, idle_timeout: 300, max_lifetime: null, onnotice: () => undefined,
    connection: { application_name: 'carefold', synchronous_commit: 'on', statement_timeout: 15_000, idle_in_transaction_session_timeout: 20_000 },
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    backoff: (many: number) => Math.min(1, 0.05 * 2 ** many),
    socket: ({ host, port, path }: Where): Socket => {
      // each host once: of several the driver would try one after the other for ever
      if (isOver || tries === host.length) {
        void sql.end({ timeout: 0 }).catch(() => undefined);
        throw Object.assign(new Error('the connection is over, or there is none to be had'), { code: 'CONNECTION_CLOSED' });
      }
      // by these the driver checks a certificate
      const to = { host: host[tries] as string, port: port[tries] as number };
      tries++;
      const made = new Socket();
      // the driver listens to it a moment later, and writes after that
      setImmediate(() => made.destroyed || (typeof path === 'string' ? made.connect(path) : made.connect(to)));
      return Object.assign(made, to);
    },
    onclose: () => {
      isOver = true;
      closed();
    }
  };
  const sql = postgres(url, options as object) as unknown as Sql;
  return sql;
}
/** Where the driver found that the address leads: one host or several, or a socket of the system. */
interface Where { readonly host: readonly string[]; readonly port: readonly number[]; readonly path?: string | boolean }

/** Milliseconds without any answer after which a server that was asked counts as gone: it gives none of its own accord so long (`statement_timeout`). */
const PATIENCE = 20_000;
/** The same where something may take its time: a life of a large store begins, or everyone else is waited for. */
export const UNHURRIED = 600_000;

/**
 * One connection at a time. A driver's connection that broke in the middle of something may be left with half a message: after an outage a
 * fresh one takes its place.
 */
export class Line {
  private sql: Sql | null = null;
  /** Statements that are not answered yet, and the end of patience with them. */
  private asked = 0;
  private late: NodeJS.Timeout | null = null;

  constructor(private readonly url: string, private readonly patience = PATIENCE) {}

  /** Runs `f`; whoever waits for several statements at once gets their rows in order. */
  async read<T>(f: (rows: Rows) => Promise<T>): Promise<T> {
    try {
      return await f(this.rows());
    } catch (e) {
      if (isOutage(e)) this.drop();
      throw e;
    }
  }
  /** What `f` returns, once it is durable; nothing of it is kept when it throws. `first` goes out together with BEGIN, and `f` gets what it comes to. */
  transaction<T, F>(f: (rows: Rows, first: F) => Promise<T>, first: (rows: Rows) => Promise<F>): Promise<T> {
    return this.read(async (rows) => {
      const begun = Promise.all([rows('BEGIN', []), first(rows)]);
      try {
        const value = await f(rows, (await begun)[1]);
        await rows('COMMIT', []);
        return value;
      } catch (e) {
        if (!isOutage(e)) await rows('ROLLBACK', []);
        throw e;
      }
    });
  }
  async close(): Promise<void> {
    await this.sql?.end({ timeout: 5 });
  }
  private rows(): Rows {
    const rows = rowsOf((this.sql ??= this.open()));
    return async (text, values) => {
      this.asked++;
      this.wait();
      try {
        return await rows(text, values);
      } finally {
        this.asked--;
        this.wait();
      }
    };
  }
  private open(): Sql {
    const sql = connectTo(this.url, () => this.drop(sql));
    return sql;
  }
  /** From now on, while an answer is waited for. */
  private wait(): void {
    if (this.late !== null) clearTimeout(this.late);
    this.late = this.asked === 0 ? null : setTimeout(() => this.drop(), this.patience);
  }
  private drop(broken = this.sql): void {
    if (this.sql === broken) this.sql = null;
    void broken?.end({ timeout: 0 }).catch(() => undefined);
  }
}

/** What a server must say of itself, and why it will not do otherwise. */
const NEEDED: readonly (readonly [setting: string, good: readonly unknown[], words: string])[] = [
  ['transaction_read_only', ['off'], 'the store is read only: it is a standby, or set so'],
  ['fsync', ['on'], 'the store is not durable: fsync is off'],
  ['full_page_writes', ['on'], 'the store is not durable: full_page_writes is off'],
  // an address may say otherwise
  ['synchronous_commit', ['on', 'remote_apply', 'remote_write', 'local'], 'the store is not durable: synchronous_commit is off']
];

/** Why nothing can be kept there for good, or null. */
export async function unfit(sql: Sql): Promise<string | null> {
  for (const [setting, good, words] of NEEDED) {
    const found = await sql.unsafe(`SHOW ${setting}`);
    if (!good.includes(found[0]?.[setting])) return words;
  }
  return null;
}

const numbered = new Map<string, string>();
/** `?` becomes $1, $2 … */
function dollars(text: string): string {
  let made = numbered.get(text);
  if (made === undefined) {
    let n = 0;
    made = text.replace(/\?/g, () => `$${++n}`);
    numbered.set(text, made);
  }
  return made;
}

const BYTEA_ARRAY = 1001;
/** The driver takes a list of bytes for bytes unless told. */
const typed = (sql: Pick<Sql, 'array'>, value: unknown): never => (Array.isArray(value) && value[0] instanceof Uint8Array ? sql.array(value, BYTEA_ARRAY) : value) as never;

const rowsOf = (sql: Pick<Sql, 'unsafe' | 'array'>): Rows => async (text, values) => {
  const found = await sql.unsafe(dollars(text), values.map((v) => typed(sql, v)), { prepare: true });
  return found.map((f) => plain(f as Record<string, unknown>));
};

/** Bytes come as slices of pooled buffers of Node's own kind: handed on as plain ones. */
function plain(f: Record<string, unknown>): Found {
  for (const name of Object.keys(f)) {
    const value = f[name];
    if (Buffer.isBuffer(value)) f[name] = new Uint8Array(value.buffer, value.byteOffset, value.length);
  }
  return f;
}

const codeOf = (e: unknown): string => (typeof e === 'object' && e !== null && 'code' in e ? String(e.code) : '');

/** Whether the server has no room for what it was told. */
export const isFull = (e: unknown): boolean => codeOf(e) === '53100';
/** Whether the connection failed, and not what was asked over it; or leads to a server that only reads (25006), as one does that was the primary. */
export const isOutage = (e: unknown): boolean => /^(CONNECT|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|ENET|EHOST|EADDR|EAI_|08|57P|53|25006)/.test(codeOf(e));
/** Whether somebody else stood in the way, so that the same may work at once. */
export const isClash = (e: unknown): boolean => ['40001', '40P01', '23505'].includes(codeOf(e));
