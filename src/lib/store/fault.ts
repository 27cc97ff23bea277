/** Which of our faults a browser's database error is; names and words differ from engine to engine. */
import { StoreError, type StoreFault } from './store';

/** Errors that a fresh connection may cure. */
const LOST = new Set([
  ...['InvalidStateError', 'DatabaseClosedError', 'DatabaseClosed', 'UnknownError', 'Unknown', 'AbortError', 'TimeoutError', 'Timeout'],
  ...[
    'OpenFailedError',
    'OpenFailed',
    'MissingAPIError',
    'TransactionInactiveError',
    'PrematureCommitError',
    'NotReadableError',
    'InvalidState'
  ]
]);
const FULL = /quota|disk (is )?full|full disk|disk space|no space/i;
const GONE = /connection to indexed database server lost|connection is closing|without an in-progress transaction|internal error/i;

interface Told {
  readonly name: string;
  readonly message: string;
  readonly inner: unknown;
}

function told(e: unknown): Told | null {
  if (typeof e !== 'object' || e === null) return null;
  const { name, message, inner, failures } = e as { name?: unknown; message?: unknown; inner?: unknown; failures?: unknown };
  // a bulk write tells what befell each row; the first says why
  const within: unknown = Array.isArray(failures) ? failures[0] : inner;
  return { name: typeof name === 'string' ? name : '', message: typeof message === 'string' ? message : '', inner: within };
}

/** Null: not the device's fault but a bug of ours, to be thrown on. */
export function faultOf(e: unknown): StoreFault | null {
  if (e instanceof StoreError) return e.fault;
  const chain: Told[] = [];
  for (let at = told(e); at !== null && chain.length < 4; at = told(at.inner)) {
    if (at.inner instanceof StoreError) return at.inner.fault;
    chain.push(at);
  }
  if (chain.some(({ name, message }) => name.startsWith('QuotaExceeded') || FULL.test(message))) return 'full';
  if (chain.some(({ name, message }) => LOST.has(name) || GONE.test(message))) return 'lost';
  return null;
}
