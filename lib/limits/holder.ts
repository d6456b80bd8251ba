import type { AddressAccount } from './address-account.js';

/** A connection that holds, or wants to hold, bytes of a message that is not complete. */
export interface Holder {
  readonly address: AddressAccount;
  receivingBytes: number;
  /** Bytes that are yet to come of what is reserved. */
  readonly lackingBytes: number;
  hasLeave: boolean;
  /** What its leave allows beyond what is reserved: frames of its message that have not been declared yet. */
  claimed: number;
  /** Whether room was reserved for the message at hand before. */
  isBegun: boolean;
  startedAt: number;
  markedAt: number;
  markedBytes: number;
  /** Whether the server would read from it, so that it can be blamed for not getting on. */
  readonly isReading: boolean;
  /** Whether it has to wait because it, or others of its address, sent too fast. */
  readonly isThrottled: boolean;
  /** What it waited for is reserved. */
  granted(): void;
  /** It has held up others for too long. */
  evict(): void;
}

/** Bytes that it holds and may still claim. */
export function wholeOf({ receivingBytes, claimed }: Holder): number {
  return receivingBytes + claimed;
}

/** A message begins. */
export function start(holder: Holder, now: number): void {
  holder.startedAt = now;
  mark(holder, now);
}

/** From here on it is looked at whether it gets on. */
export function mark(holder: Holder, now: number): void {
  holder.markedAt = now;
  holder.markedBytes = holder.receivingBytes - holder.lackingBytes;
}
