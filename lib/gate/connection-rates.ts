import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import { TokenBucket } from '../limits/token-bucket.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { Address } from './addresses.js';

/** Seconds' worth of useless messages that may come at once. */
const NOISE_BURST = 10;
/** Shortest pause of whoever goes on after having been refused. */
const REFUSAL_PAUSE_MS = 50;

export interface ConnectionRatesOptions {
  readonly limits: ResolvedGateOptions;
  readonly owner: Address;
  readonly wheel: DeadlineWheel;
  readonly now: () => number;
  /** Bytes of one message, which a rate of bytes must let pass. */
  readonly maxMessageBytes: () => number;
  /** A rate is exceeded: nothing more is to be read until `onRecovered`. */
  readonly onExceeded: (kind: ZmqViolationKind, figures: ZmqViolation['figures']) => void;
  readonly onRecovered: () => void;
}

/** How much a connection sends, by itself and with the others of its address. Whoever is too fast is not read for a while. */
export class ConnectionRates extends Expiring {
  private readonly messages: TokenBucket;
  private readonly bytes: TokenBucket;
  private noise: TokenBucket | undefined = undefined;
  private refusals: TokenBucket | undefined = undefined;
  private limits: ResolvedGateOptions;

  constructor(private readonly options: ConnectionRatesOptions) {
    super();
    const { limits, now } = options;
    this.limits = limits;
    const { messages, bytes } = this.bounds(limits);
    this.messages = new TokenBucket(messages, messages, now());
    this.bytes = new TokenBucket(limits.rate.bytes, bytes, now());
  }

  /** So many messages, or packets, of so many bytes have come. */
  took(messages: number, bytes: number): void {
    const { owner } = this.options;
    const now = this.options.now();
    this.messages.take(messages, now);
    owner.messages.take(messages, now);
    if (bytes > 0) {
      this.bytes.take(bytes, now);
      owner.bytes.take(bytes, now);
    }
  }

  /** Another message has come that nobody can use; whether that happens too often. */
  isTooNoisy(): boolean {
    const { noiseRate } = this.limits;
    const now = this.options.now();
    this.noise ??= new TokenBucket(noiseRate, NOISE_BURST * noiseRate, now);
    this.noise.take(1, now);
    return this.noise.waitAt(now) > 0;
  }

  /** Another message has been refused because its handler takes no more of its sender. Too many of these cost a pause. */
  refused(): void {
    const { refusalRate } = this.limits;
    const now = this.options.now();
    this.refusals ??= new TokenBucket(refusalRate, refusalRate, now);
    this.refusals.take(1, now);
    const wait = this.refusals.waitAt(now);
    if (wait > 0 && !this.isPending) {
      this.options.wheel.add(this, Math.max(wait, REFUSAL_PAUSE_MS));
      this.options.onExceeded('handler-rate', { limit: refusalRate });
    }
  }

  /** Whether it would have to wait if it were read now. */
  get isExceeded(): boolean {
    return Math.max(this.messageWait(), this.byteWait()) > 0;
  }

  check(): void {
    if (this.isPending) {
      return;
    }
    const { wheel, onExceeded } = this.options;
    const messages = this.messageWait();
    const bytes = this.byteWait();
    const wait = Math.max(messages, bytes);
    if (wait > 0) {
      const { rate } = this.limits;
      wheel.add(this, wait);
      onExceeded(bytes > messages ? 'byte-rate' : 'message-rate', {
        limit: bytes > messages ? rate.bytes : rate.messages,
      });
    }
  }

  /** Other limits from now on. */
  adjust(limits: ResolvedGateOptions): void {
    const now = this.options.now();
    this.limits = limits;
    const { messages, bytes } = this.bounds(limits);
    this.messages.adjust(messages, messages, now);
    this.bytes.adjust(limits.rate.bytes, bytes, now);
    this.noise?.adjust(limits.noiseRate, NOISE_BURST * limits.noiseRate, now);
    this.refusals?.adjust(limits.refusalRate, limits.refusalRate, now);
    if (this.isPending) {
      // They may let it go on sooner, or later.
      this.options.wheel.add(this, Math.max(this.messageWait(), this.byteWait(), this.refusals?.waitAt(now) ?? 0));
    }
  }

  stop(): void {
    this.options.wheel.remove(this);
  }

  override expire(): void {
    this.options.onRecovered();
  }

  private bounds({ rate }: ResolvedGateOptions): { readonly messages: number; readonly bytes: number } {
    return { messages: rate.messages, bytes: Math.max(rate.bytes, this.options.maxMessageBytes()) };
  }

  private messageWait(): number {
    const now = this.options.now();
    return Math.max(this.messages.waitAt(now), this.options.owner.messages.waitAt(now));
  }

  private byteWait(): number {
    const now = this.options.now();
    return Math.max(this.bytes.waitAt(now), this.options.owner.bytes.waitAt(now));
  }
}
