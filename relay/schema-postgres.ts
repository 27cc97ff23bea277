/** Tables of the relay's store in PostgreSQL: rows lie by the hash of their group, so that one server's partitions can become several servers'. */
import type { Sql, TransactionSql } from 'postgres';

export const VERSION = 3;
/** Partitions of each table; a number that cannot change later without moving rows. */
const PARTS = 16;
/** Any number, the same for every relay: whoever makes the tables does it alone. */
const ALONE = 7_203_114;
/** Held by every transaction that writes, together; by whoever begins a life or changes what is there, alone. */
export const ALIVE = 7_203_115;

const TABLES: readonly (readonly [name: string, by: string, columns: string, kept?: string])[] = [
  ['group_ids', 'id', 'id bytea PRIMARY KEY, g bigint NOT NULL'],
  // changed at every commit: room is left so that the new row lies in the old one's page
  ['groups', 'g', 'g bigint PRIMARY KEY, feed bigint NOT NULL, roster bigint NOT NULL, mail bigint NOT NULL', 'WITH (fillfactor = 50)'],
  ['checkpoints', 'g', 'g bigint PRIMARY KEY, seq bigint NOT NULL, state bytea NOT NULL'],
  ['entries', 'g', 'g bigint, seq bigint, entry bytea NOT NULL, receipt bytea NOT NULL, PRIMARY KEY (g, seq)'],
  ['lockboxes', 'g', 'g bigint, device bigint, seq bigint, lockbox bytea NOT NULL, PRIMARY KEY (g, device, seq)'],
  ['logs', 'g', 'g bigint, device bigint, n bigint NOT NULL, hash bytea NOT NULL, roster bigint NOT NULL, PRIMARY KEY (g, device)', 'WITH (fillfactor = 50)'],
  ['envelopes', 'g', 'g bigint, seq bigint, device bigint NOT NULL, n bigint NOT NULL, time bigint NOT NULL, prev bytea NOT NULL, envelope bytea NOT NULL, PRIMARY KEY (g, seq), UNIQUE (g, device, n)'],
  // full stretches of a feed laid together, and which envelopes of a log lie in the one that begins at first
  ['batches', 'g', 'g bigint, first bigint, last bigint NOT NULL, prevs bytea NOT NULL, packed bytea NOT NULL, PRIMARY KEY (g, first)'],
  ['runs', 'g', 'g bigint, device bigint, n bigint, last bigint NOT NULL, first bigint NOT NULL, PRIMARY KEY (g, device, n)'],
  ['cards', 'g', 'g bigint, invite bytea, card bytea NOT NULL, PRIMARY KEY (g, invite)'],
  ['requests', 'g', 'g bigint, invite bytea, request bytea, time bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (g, invite, request)'],
  ['answers', 'g', 'g bigint, invite bytea, request bytea, time bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (g, invite, request)'],
  ['items', 'vault', 'vault bytea, n bigint, time bigint NOT NULL, item bytea NOT NULL, PRIMARY KEY (vault, n)'],
  ['meets', 'meet', 'meet bytea, n bigint, began bigint NOT NULL, item bytea NOT NULL, PRIMARY KEY (meet, n)'],
  ['wants', 'g', 'g bigint, device bigint, time bigint NOT NULL, want bytea NOT NULL, PRIMARY KEY (g, device)'],
  ['keys', 'g', 'g bigint, device bigint, member bytea, at bigint NOT NULL, keys bytea NOT NULL, PRIMARY KEY (g, device, member)'],
  ['doomed', 'g', 'g bigint PRIMARY KEY, id bytea NOT NULL, at bigint NOT NULL'],
  ['tombs', 'id', 'id bytea PRIMARY KEY, g bigint NOT NULL, tomb bytea NOT NULL'],
  ['bells', 'g', 'g bigint, device bigint, place text NOT NULL, rung bigint NOT NULL, heard bigint NOT NULL, PRIMARY KEY (g, device)'],
  ['bases', 'g', 'g bigint, incarnation bigint, feed bigint NOT NULL, PRIMARY KEY (g, incarnation)'],
  ['shown', 'g', 'g bigint, device bigint, PRIMARY KEY (g, device)'],
  // when somebody did what is counted by the hour, or when what was charged is made up for
  ['budgets', 'g', 'g bigint, key text, at bigint NOT NULL, times bigint[] NOT NULL, PRIMARY KEY (g, key)'],
  ['forks', 'g', 'g bigint, seq bigint, time bigint NOT NULL, entry bytea NOT NULL, receipt bytea NOT NULL, PRIMARY KEY (g, seq)'],
  ['quotas', 'g', 'g bigint PRIMARY KEY, bytes bigint, entries bigint, blobs bigint'],
  ['blobs', 'g', 'g bigint, id bytea, device bigint NOT NULL, size bigint NOT NULL, time bigint NOT NULL, named bigint NOT NULL, PRIMARY KEY (g, id)']
];

/** Tables with rows of a group, each under its number. */
export const OF_GROUP: readonly string[] = [...TABLES.filter(([, by]) => by === 'g').map(([name]) => name), 'holds'];

const INDEXES: Readonly<Record<string, readonly string[]>> = {
  blobs: ['CREATE INDEX blobs_unnamed ON blobs (time) WHERE named = 0'],
  meets: ['CREATE INDEX meets_began ON meets (began) WHERE n = 1'],
  bells: ['CREATE INDEX bells_place ON bells (place)'],
  answers: ['CREATE INDEX answers_by_time ON answers (time)']
};

/**
 * From each older version to the next. Relays of that version may still run, and must not go on beside a store that they do not know: from
 * version 2 on they look at its number with every call.
 */
const STEPS: Readonly<Record<string, (tx: TransactionSql) => Promise<unknown>>> = { 1: renameMarks, 2: withMore };

/** Tables came, and with them places where a relay that does not know them would not look. */
async function withMore(): Promise<void> {
  // made with the others
}

/** Relays of version 1 look at no number; each of their calls asks for this table, by its name. */
async function renameMarks(tx: TransactionSql): Promise<void> {
  await tx`ALTER TABLE IF EXISTS marks RENAME TO places`;
  await tx`ALTER INDEX IF EXISTS marks_pkey RENAME TO places_pkey`;
}

/** Makes the tables, or brings those of an older version up to date, once among all relays that start together; `now` numbers a new store's first life. Throws when the store is of a version that is not known, or of another relay. `taken`: called once the store is this relay's, and before it is so for good. */
export async function makeTables(sql: Sql, now: number, relay: string, earlier: readonly string[] = [], taken: () => void = () => undefined): Promise<void> {
  await sql.begin(async (tx): Promise<void> => {
    await tx`SET LOCAL statement_timeout = 0`;
    await tx`SELECT pg_advisory_xact_lock(${ALONE})`;
    await tx`CREATE TABLE IF NOT EXISTS meta (name text PRIMARY KEY, value text NOT NULL)`;
    await tx`INSERT INTO meta VALUES ('version', ${String(VERSION)}), ('incarnation', ${String(now)}), ('relay', ${relay}) ON CONFLICT DO NOTHING`;
    const meta = new Map((await tx`SELECT name, value FROM meta`).map((f) => [f['name'] as string, f['value'] as string]));
    for (let version = meta.get('version') ?? ''; version !== String(VERSION); version = String(Number(version) + 1)) {
      const step = STEPS[version];
      if (step === undefined) throw new Error('the store was made by another version');
      await tx`SELECT pg_advisory_xact_lock(${ALIVE})`;
      await step(tx);
    }
    await tx`UPDATE meta SET value = ${String(VERSION)} WHERE name = 'version'`;
    // a new key takes over what belonged to the one before it
    if (earlier.includes(meta.get('relay') ?? '')) await tx`UPDATE meta SET value = ${relay} WHERE name = 'relay'`;
    else if (meta.get('relay') !== relay) throw new Error('the store belongs to a relay with another key: give every relay the same relay.key');
    await tx`CREATE SEQUENCE IF NOT EXISTS group_numbers`;
    await tx`CREATE TABLE IF NOT EXISTS lives (incarnation bigint PRIMARY KEY)`;
    await tx`INSERT INTO lives VALUES (${String(meta.get('incarnation'))}) ON CONFLICT DO NOTHING`;
    // a row for each line of each relay, changed by each of its transactions
    await tx`CREATE TABLE IF NOT EXISTS places (node text, line bigint, n bigint NOT NULL, PRIMARY KEY (node, line)) WITH (fillfactor = 20)`;
    // of no group: who may begin one where a permit is asked for
    await tx`CREATE TABLE IF NOT EXISTS permits (n bigint PRIMARY KEY, hash bytea NOT NULL UNIQUE, remaining bigint NOT NULL, expires bigint NOT NULL)`;
    // logs that may not grow until then: few rows, for a minute each, looked at with every envelope
    await tx`CREATE TABLE IF NOT EXISTS holds (g bigint, device bigint, until bigint NOT NULL, PRIMARY KEY (g, device))`;
    for (const [name, by, columns, kept = ''] of TABLES) {
      if ((await tx`SELECT 1 FROM pg_class WHERE oid = to_regclass(${name})`).length > 0) continue;
      await tx.unsafe(`CREATE TABLE ${name} (${columns}) PARTITION BY HASH (${by})`);
      // with its table and never again: asking for one that is there locks what another relay is using
      for (const index of INDEXES[name] ?? []) await tx.unsafe(index);
      for (let i = 0; i < PARTS; i++) await tx.unsafe(`CREATE TABLE ${name}_${i} PARTITION OF ${name} FOR VALUES WITH (MODULUS ${PARTS}, REMAINDER ${i}) ${kept}`);
    }
    taken();
  });
}
