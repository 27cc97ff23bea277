/** A relay's old key names the new one that speaks in its place (PROTOCOL §7.1): who trusts the first may listen to the second. */
import type { Bytes, RelayPk } from './brand';
import { concat, equal } from './bytes';
import { LABEL } from './labels';
import { SIGN_PK, SIGNATURE, sign, verify } from './verify';
import type { Reader, Writer } from './wire';

export interface Turn { readonly from: RelayPk; readonly to: RelayPk; readonly signature: Bytes }

/** Turns that a relay may show. */
export const TURNS = 64;

export const signTurn = (from: RelayPk, to: RelayPk, fromSk: Bytes): Turn => ({ from, to, signature: sign(LABEL.relayTurn, concat(from, to), fromSk) });
export const verifyTurn = (t: Turn): boolean => verify(LABEL.relayTurn, concat(t.from, t.to), t.signature, t.from);

/** Whether `to` is `from`, or a chain of turns leads from the one to the other. */
export function leadsTo(turns: readonly Turn[], from: RelayPk, to: RelayPk): boolean {
  let at = from;
  for (let i = 0; i <= TURNS; i++) {
    if (equal(at, to)) return true;
    const next = turns.find((t) => equal(t.from, at) && verifyTurn(t));
    if (next === undefined) return false;
    at = next.to;
  }
  return false;
}

export const writeTurn = (t: Turn, w: Writer): void => void w.fixed(t.from).fixed(t.to).fixed(t.signature);
export const readTurn = (r: Reader): Turn => ({ from: r.fixed<RelayPk>(SIGN_PK), to: r.fixed<RelayPk>(SIGN_PK), signature: r.fixed(SIGNATURE) });
