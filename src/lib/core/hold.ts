/** The moment in which a record can still be taken back. */
import type { OutboxRow } from './group-rows';

/** The longest that a record waits to be taken back, in milliseconds. */
export const HOLD_MOST = 5_000;
/** Whether a record still waits to be taken back: a clock that was set back since must not make it wait for years. */
export const isHeld = ({ heldUntil }: Pick<OutboxRow, 'heldUntil'>, now: number): boolean => heldUntil > now && heldUntil <= now + HOLD_MOST;
