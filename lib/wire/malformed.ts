import type { ZmqViolationKind } from '../limits/violation.js';

/**
 * Input that breaks the wire format or a bound of {@link WireLimits}. A value, never thrown: bad input is expected.
 *
 * `reason` is a fixed sentence that holds nothing of the input, so it can be logged and sent back as it is.
 */
export class Malformed {
  constructor(
    readonly reason: string,
    /** The request that the input belongs to, if that much could be read: u32 in binary mode, string in JSON mode. */
    readonly id?: number | string,
    /** What it counts as among the violations. */
    readonly kind: ZmqViolationKind = 'noise',
  ) {}
}
