import { AsyncLocalStorage } from 'node:async_hooks';

/** What requests made inside a handler inherit from the request that is being handled. */
export interface CallScope {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

const storage = new AsyncLocalStorage<CallScope>();
let wanted = false;

/** Called by clients. A process without one never pays for the tracking of asynchronous calls. */
export function wantCallScope(): void {
  wanted = true;
}

/** Runs a handler so that the requests it makes find its deadline. */
export function runInCallScope<T>(deadline: number | undefined, handler: () => T): T {
  return wanted && deadline !== undefined ? storage.run({ deadline }, handler) : handler();
}

/** The deadline of the handler that is running, if any, in milliseconds since the epoch. */
export function inheritedDeadline(): number | undefined {
  return storage.getStore()?.deadline;
}
