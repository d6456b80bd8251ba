import type { Bytes } from '../options/bytes.js';
import type { ZmqPriority, ZmqRateLimitKey, ZmqSizeViolationPolicy } from './handler-rules.js';

/** Of a sender everything must hold that is named here; at least one of the fields is given. */
export interface ZmqAccessRule {
  /** It has one of these roles, each 1 to 100 letters, digits, `_`, `.`, `:` or `-`. */
  readonly roles?: string | readonly string[] | undefined;
  /** It has proven to be one of these, each 1 to 255 printable characters. */
  readonly identities?: string | readonly string[] | undefined;
  /** It comes from one of these networks or addresses, such as `10.0.0.0/8` or `2001:db8::1`. */
  readonly addresses?: string | readonly string[] | undefined;
}

/** How much of a handler one sender may use. At least one of `points` and `bytes` is given. */
export interface ZmqRateLimit {
  /** Requests and events within `duration`, 1 to 1,000,000,000; as many may come at once. */
  readonly points?: number | undefined;
  /** Bytes of their payloads within `duration`; as many may come at once. */
  readonly bytes?: Bytes | undefined;
  /** Milliseconds, 1 to 86,400,000. @defaultValue 1000 */
  readonly duration?: number;
  /** Whose requests count together. @defaultValue 'peer' */
  readonly by?: ZmqRateLimitKey;
  /** Limits of one name, 1 to 64 characters of which the first is not `#`, count together, of whatever handlers they are; without one each handler counts for itself. */
  readonly name?: string | undefined;
}

/** Limits of a handler as users write them: in decorators, for all handlers in the module, and when they are changed. */
export interface ZmqHandlerLimits {
  /** Bytes of one payload. */
  readonly maxMessageSize?: Bytes;
  /** What is done about a larger one. @defaultValue 'reject' */
  readonly onViolation?: ZmqSizeViolationPolicy;
  /** Bytes of one answer, or of one value of a stream. */
  readonly maxResponseSize?: Bytes;
  /** Limits for each sender; an empty list for none. */
  readonly rateLimit?: ZmqRateLimit | readonly ZmqRateLimit[];
  readonly skipRateLimit?: boolean;
  /** Calls at a time, and calls that wait. */
  readonly concurrency?: { readonly limit: number; readonly queue?: number };
  readonly priority?: ZmqPriority;
  /**
   * Who may call: `'anyone'`, or whoever fits one of the rules; nobody with an empty list. In a list of lists each of them has
   * to let the sender in. Lists have at most 1,000 entries.
   */
  readonly allowPeers?: 'anyone' | ZmqAccessRule | readonly ZmqAccessRule[] | readonly (readonly ZmqAccessRule[])[];
}
