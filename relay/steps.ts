/** Calls written once for every engine that speaks SQL: a call yields its statements, `?` for each value, and gets their rows back. */
export type Value = number | Uint8Array | string | null;
export type Found = Readonly<Record<string, unknown>>;
export interface Step { readonly sql: string; readonly values: readonly Value[] }
export type Steps<T> = Generator<Step, T, readonly Found[]>;

export function* all(sql: string, ...values: Value[]): Steps<readonly Found[]> {
  return yield { sql, values };
}
export function* one(sql: string, ...values: Value[]): Steps<Found | undefined> {
  return (yield { sql, values })[0];
}
/** What is known without a statement. */
export function* done<T>(value: T): Steps<T> {
  return value;
}
/** For its effect. */
export function* did(sql: string, ...values: Value[]): Steps<null> {
  yield { sql, values };
  return null;
}

/** Runs a call where rows come at once. */
export function runNow<T>(steps: Steps<T>, rows: (sql: string, values: readonly Value[]) => readonly Found[]): T {
  let at = steps.next();
  while (at.done !== true) at = steps.next(rows(at.value.sql, at.value.values));
  return at.value;
}

/** Runs a call where rows take their time. */
export async function runSoon<T>(steps: Steps<T>, rows: (sql: string, values: readonly Value[]) => Promise<readonly Found[]>): Promise<T> {
  let at = steps.next();
  while (at.done !== true) at = steps.next(await rows(at.value.sql, at.value.values));
  return at.value;
}
