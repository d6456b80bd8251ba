import { textOf } from '../errors/text-of.js';
import type { ZmqViolation } from '../limits/violation.js';
import type { ZmqOverload } from './load-shedding.js';

/** That a server has too much to do, or no longer, in words. */
export function describeOverload({ isShedding, reason, eventLoopDelay, heap }: ZmqOverload): string {
  const figures = `event loop ${eventLoopDelay} ms late, ${Math.round(heap * 100)} % of the heap in use`;
  return isShedding
    ? `Overloaded (${reason}: ${figures}): new requests are refused, but for critical ones.`
    : `No longer overloaded (${figures}).`;
}

/** A violation in words. */
export function describeViolation({
  id,
  kind,
  address,
  action,
  count,
  figures: { limit, actual },
}: ZmqViolation): string {
  const times = count > 1 ? ` ${count} times` : '';
  const figures = limit === undefined ? '' : `, limit ${limit}${actual === undefined ? '' : `, was ${actual}`}`;
  return `${id} ${kind}${times} from ${address ?? 'an unknown address'}: ${action}${figures}.`;
}

/** Why a handler failed: an error, or what Nest makes of an `RpcException`. */
export function reasonOf(error: unknown): string {
  const { code, message } = (error ?? {}) as Partial<Record<string, unknown>>;
  if (error instanceof Error || typeof message !== 'string') {
    return textOf(error);
  }
  return typeof code === 'string' ? `${code}, ${message}` : message;
}
