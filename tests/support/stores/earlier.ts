/** Stores in PostgreSQL as earlier versions left them: their own statements, and rows that they wrote. */
import { readFileSync } from 'node:fs';
import postgres from 'postgres';

const PARTS = 16;

/** `first`: of the first relay there was; `last`: of the last one of version 1. */
export async function earlierStore(url: string, which: 'first' | 'last'): Promise<void> {
  const lines = readFileSync(new URL(`postgres-${which}.sql`, import.meta.url), 'utf8').split('\n');
  const statements = lines.flatMap((line): string[] => {
    if (line === '' || line.startsWith('-- ')) return [];
    const [, table, kept = ''] = /^CREATE TABLE (\w+) .* PARTITION BY HASH \(\w+\);(?: -- (.*))?$/.exec(line) ?? [];
    const parts = table === undefined ? [] : Array.from({ length: PARTS }, (_, i) => `CREATE TABLE ${table}_${i} PARTITION OF ${table} FOR VALUES WITH (MODULUS ${PARTS}, REMAINDER ${i}) ${kept}`);
    return [line, ...parts];
  });
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    for (const s of statements) await sql.unsafe(s);
  } finally {
    await sql.end();
  }
}
