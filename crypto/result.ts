/** Outcomes of judging untrusted input: a value, or a worded fault that carries no user data. */
export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err<F extends string> = { readonly ok: false; readonly fault: F };
export type Result<T, F extends string = string> = Ok<T> | Err<F>;

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const err = <F extends string>(fault: F): Err<F> => ({ ok: false, fault });

/** The end of an exhaustive switch. Throws: reaching it is our own bug. */
export function unreachable(x: never): never {
  throw new Error(`unreachable: ${typeof x}`);
}
