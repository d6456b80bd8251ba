import { isIPv4 } from 'node:net';
import { AddressAccount } from '../limits/address-account.js';
import { PeerUsage } from '../limits/peer-usage.js';
import { TokenBucket } from '../limits/token-bucket.js';
import type { ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';

/** Addresses without a connection that are remembered, for their bans and failures. */
const MAX_IDLE = 10_000;
/** Seconds' worth of connections that may come at once. */
const ACCEPT_BURST = 4;
/** TLS handshakes a second with which an address comes before those that have more. */
const USUAL_HANDSHAKES = 4;

/** What the gate knows of one network address: one IPv4 address, or one /64 network of IPv6. */
export class Address {
  readonly account = new AddressAccount();
  readonly usage = new PeerUsage();
  readonly accepts: TokenBucket;
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
  /** TLS handshakes that it has had lately. */
  readonly handshakes: TokenBucket;
  connections = 0;
  halfOpen = 0;
  bannedUntil = 0;
  /** Violations in the window that ends at `windowEnd`. */
  violations = 0;
  windowEnd = 0;
  /** Milliseconds of processing in the round of the event loop that has this number. */
  busy = 0;
  round = 0;
  /** When each kind of violation may be reported again, and how often it came meanwhile. */
  readonly reports = new Map<ZmqViolationKind, { nextAt: number; count: number }>();

  constructor(
    readonly key: string,
    { acceptRate, addressRate }: ResolvedGateOptions,
    now: number,
  ) {
    this.accepts = new TokenBucket(acceptRate, ACCEPT_BURST * acceptRate, now);
    this.messages = new TokenBucket(addressRate.messages, addressRate.messages, now);
    this.bytes = new TokenBucket(addressRate.bytes, addressRate.bytes, now);
    this.handshakes = new TokenBucket(USUAL_HANDSHAKES, USUAL_HANDSHAKES, now);
  }

  adjust({ acceptRate, addressRate }: ResolvedGateOptions, now: number): void {
    this.accepts.adjust(acceptRate, ACCEPT_BURST * acceptRate, now);
    this.messages.adjust(addressRate.messages, addressRate.messages, now);
    this.bytes.adjust(addressRate.bytes, addressRate.bytes, now);
  }
}

/** The addresses that the gate knows. Those without a connection leave, the longest unused first. */
export class Addresses {
  private readonly connected = new Map<string, Address>();
  private readonly idle = new Map<string, Address>();

  constructor(
    private limits: ResolvedGateOptions,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.connected.size;
  }

  find(key: string): Address {
    const known = this.connected.get(key) ?? this.idle.get(key);
    if (known !== undefined) {
      return known;
    }
    const address = new Address(key, this.limits, this.now());
    this.remember(address);
    return address;
  }

  /** A connection of the address has been taken on. */
  enter(address: Address): void {
    address.connections++;
    this.idle.delete(address.key);
    this.connected.set(address.key, address);
  }

  leave(address: Address): void {
    if (--address.connections === 0) {
      this.connected.delete(address.key);
      this.remember(address);
    }
  }

  adjust(limits: ResolvedGateOptions): void {
    this.limits = limits;
    for (const address of [...this.connected.values(), ...this.idle.values()]) {
      address.adjust(limits, this.now());
    }
  }

  clear(): void {
    this.connected.clear();
    this.idle.clear();
  }

  private remember(address: Address): void {
    this.idle.delete(address.key);
    this.idle.set(address.key, address);
    if (this.idle.size > MAX_IDLE) {
      const [oldest] = this.idle.keys();
      this.idle.delete(oldest as string);
    }
  }
}

/** The address to hold responsible: networks of IPv6 are given away in sizes of /64 and up. */
export function addressKey(remote: string): string {
  const plain = exactAddress(remote);
  if (isIPv4(plain)) {
    return plain;
  }
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0');
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

/** An address as the system gives it, without what does not belong to it: IPv4 is not mapped into IPv6, and there is no zone. */
export function exactAddress(remote: string): string {
  const plain = remote.replace(/%.*$/, '').toLowerCase();
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1] ?? plain;
}
