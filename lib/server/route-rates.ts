import { RateTable } from '../limits/rate-table.js';
import type { RateLimitRule } from '../pipeline/handler-rules.js';
import type { SharedRule } from '../pipeline/shared-limit.js';
import type { ZmqContext, ZmqPeer } from '../pipeline/zmq.context.js';

const MAX_KEY_LENGTH = 256;
const UNKNOWN = 'unknown';

/** Counts rates across processes. */
export interface SharedRates {
  /** 0, or the milliseconds to wait; never rejects. */
  consume(rule: SharedRule, key: string, bytes: number): Promise<number>;
  /** Milliseconds for which the key is known to be refused; 0 if that is not known. */
  blockedFor(rule: SharedRule, key: string, now: number): number;
}

/** Whoever sent what is counted. */
export interface Sender {
  readonly peer: ZmqPeer;
  /** What functions are given. Made when one asks. */
  readonly context: () => ZmqContext;
}

export type NamedRule = RateLimitRule & { readonly name: string };

/** One limit, in this process, and whoever is counted by it. */
export class RateCounter {
  private readonly table: RateTable;
  private current: NamedRule;
  private counted: SharedRule;

  constructor(
    rule: NamedRule,
    maxKeys: number,
    private readonly shared: SharedRates | undefined,
  ) {
    this.current = rule;
    this.counted = countedBy(rule);
    this.table = new RateTable({ rule: this.counted, maxKeys, now: performance.now() });
  }

  get rule(): NamedRule {
    return this.current;
  }

  /** The same counter under another limit, and for another number of senders, with what it has counted. */
  adjusted(rule: NamedRule, maxKeys: number): this {
    this.table.maxKeys = maxKeys;
    this.current = rule;
    this.counted = countedBy(rule);
    this.table.rule = this.counted;
    return this;
  }

  get isShared(): boolean {
    return this.shared !== undefined;
  }

  /** Senders that are counted at the moment. */
  get size(): number {
    return this.table.size;
  }

  /** Counts a message, or says how many milliseconds it has to wait. With a store it only looks whether that is known already. */
  take(sender: Sender, bytes: number, now: number): number {
    const key = this.keyOf(sender);
    return this.shared === undefined
      ? this.table.consume(key, bytes, now)
      : this.shared.blockedFor(this.counted, key, now);
  }

  async takeShared(sender: Sender, bytes: number): Promise<number> {
    return this.shared === undefined ? 0 : this.shared.consume(this.counted, this.keyOf(sender), bytes);
  }

  clear(): void {
    this.table.clear();
  }

  private keyOf({ peer, context }: Sender): string {
    const { by } = this.current;
    switch (by) {
      case 'peer':
        return peer.id;
      case 'address':
        return peer.address ?? UNKNOWN;
      case 'identity':
        return peer.identity ?? peer.id;
      default:
        return keyFrom(by, context());
    }
  }
}

/** Whoever a function fails for is counted together, so that failing is no way around the limit. */
function keyFrom(by: (context: ZmqContext) => string, context: ZmqContext): string {
  try {
    const key: unknown = by(context);
    if (typeof key === 'string') {
      return flat(key.slice(0, MAX_KEY_LENGTH));
    }
    if (typeof key === 'number' || typeof key === 'boolean') {
      return String(key);
    }
    // A promise cannot be waited for here, and its rejection would be nobody's.
    Promise.resolve(key).catch(() => undefined);
    return UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

/** The same text without the longer one that it may be a part of: V8 keeps the whole for as long as any slice of it. */
function flat(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function countedBy({ name, points, bytes, duration }: NamedRule): SharedRule {
  return { name, points, bytes, durationMs: duration };
}
