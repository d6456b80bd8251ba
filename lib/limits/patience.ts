import { mark, wholeOf, type Holder } from './holder.js';

/** While others wait, a message must get on in this time, */
export const STALL_MS = 150;
/** and be complete in this time for every begun megabyte. */
const COMPLETION_MS = 2_000;
const MEBI = 1024 ** 2;
/** Holders of less are hardly a hindrance, and a lost packet must not cost them their connection. */
const SMALL_BYTES = 64 * 1024;

/** Milliseconds until a holder has to have got on, 0 or less if it has not. */
export function timeLeft(holder: Holder, now: number, isWaiting: boolean): number {
  if (!holder.isReading || isWaiting) {
    holder.startedAt += now - holder.markedAt;
    mark(holder, now);
    return STALL_MS;
  }
  const whole = wholeOf(holder);
  const allowed = COMPLETION_MS * Math.max(1, whole / MEBI);
  const sinceMark = now - holder.markedAt;
  if (now - holder.startedAt >= allowed) {
    return 0;
  }
  if (holder.isThrottled) {
    // Slowness is wanted then, but not that it holds up others for as long as it likes.
    mark(holder, now);
    return Math.min(STALL_MS, holder.startedAt + allowed - now);
  }
  if (sinceMark < STALL_MS) {
    return STALL_MS - sinceMark;
  }
  const received = holder.receivingBytes - holder.lackingBytes;
  const needed = Math.min(whole - holder.markedBytes, (whole * sinceMark) / allowed);
  if (received - holder.markedBytes < needed) {
    return 0;
  }
  mark(holder, now);
  return STALL_MS;
}

/** Whether others would gain by the end of a holder that has not got on. */
export function isHindrance(holder: Holder, now: number, floor: number): boolean {
  const isSmall = wholeOf(holder) < SMALL_BYTES && holder.address.receiving <= floor;
  // What leaves are made of must not be lost to small messages either.
  return !isSmall || (holder.hasLeave && now - holder.startedAt >= COMPLETION_MS);
}
