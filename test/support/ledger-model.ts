import fc from 'fast-check';
import { expect } from 'vitest';
import { AddressAccount } from '../../lib/limits/address-account.js';
import { ByteBudget } from '../../lib/limits/byte-budget.js';
import { Ledger, type ConnectionAccount } from '../../lib/limits/ledger.js';
import { FakeClock } from './fake-clock.js';

const KIBI = 1024;
const OVERHEAD = 128;
export const MAX_MESSAGE = 1_000 * KIBI;
const ADDRESSES = 5;
export const PEERS = 10;

export type Action =
  | { readonly type: 'begin'; readonly at: number; readonly bytes: number; readonly more: boolean }
  | { readonly type: 'receive' | 'charge' | 'settle' | 'stash'; readonly at: number; readonly bytes: number }
  | { readonly type: 'complete' | 'unstash' | 'close' | 'look away'; readonly at: number }
  | { readonly type: 'pass'; readonly ms: number };

const at = fc.nat(PEERS - 1);
const bytes = fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: MAX_MESSAGE / 4, max: MAX_MESSAGE }));
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('begin' as const), at, bytes, more: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constantFrom('receive' as const, 'charge', 'settle'), at, bytes }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stash' as const), at, bytes: fc.nat(64 * KIBI) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('complete' as const, 'unstash'), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('close' as const, 'look away'), at }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.nat(3_000) }) },
);

export const anyActions = fc.array(anyAction, { minLength: 20, maxLength: 120, size: 'max' });

/** A connection as the gate has it: frames of one message after another, each reserved before it is received. */
class Peer {
  readonly account: ConnectionAccount;
  isReading = true;
  readonly isBackedUp = false;
  readonly isThrottled = false;
  reserved = 0;
  lackingBytes = 0;
  wanted = 0;
  /** Bytes of the message's frames so far. */
  message = 0;
  mayFollow = false;
  stashed = 0;
  isClosed = false;

  constructor(
    ledger: Ledger,
    readonly address: AddressAccount,
  ) {
    this.account = ledger.open(address, this);
  }

  get isWaiting(): boolean {
    return this.wanted > 0;
  }

  granted(): void {
    expect(this.isWaiting && !this.isClosed).toBe(true);
    this.reserved += this.wanted;
    this.lackingBytes = this.wanted - OVERHEAD;
    this.wanted = 0;
  }

  evict(): void {
    this.close();
  }

  begin(length: number, more: boolean): void {
    const fits = Math.min(length, MAX_MESSAGE - this.message);
    const isFrameOpen = this.lackingBytes > 0 || this.isWaiting;
    if (this.isClosed || isFrameOpen || fits === 0 || (this.message > 0 && !this.mayFollow)) {
      return;
    }
    this.message += fits;
    this.mayFollow = more;
    this.wanted = fits + OVERHEAD;
    if (this.account.reserve(this.wanted, more ? MAX_MESSAGE - this.message : 0)) {
      this.granted();
    }
  }

  receive(count: number): void {
    this.lackingBytes -= Math.min(count, this.isReading ? this.lackingBytes : 0);
  }

  complete(): void {
    if (!this.isClosed && !this.isWaiting && this.message > 0) {
      this.lackingBytes = 0;
      this.account.completed(this.reserved);
      this.reserved = 0;
      this.message = 0;
    }
  }

  stash(count: number): void {
    if (!this.isClosed) {
      this.stashed += count;
      this.account.reserveAnyhow(count);
    }
  }

  unstash(): void {
    if (!this.isClosed) {
      this.account.reserveAnyhow(-this.stashed);
      this.stashed = 0;
    }
  }

  close(): void {
    this.isClosed = true;
    this.wanted = 0;
    this.account.close();
  }
}

/** The ledger with connections of several addresses, and what it has to know about them. */
export class Model {
  readonly clock = new FakeClock();
  readonly held = new ByteBudget(8 * MAX_MESSAGE);
  readonly ledger: Ledger;
  readonly addresses = Array.from({ length: ADDRESSES }, () => new AddressAccount());
  readonly peers: Peer[] = [];
  private readonly settled = new Map<Peer, number>();

  constructor(private readonly sizes: { readonly receiving: number; readonly reserve: number }) {
    this.ledger = new Ledger({
      ...sizes,
      held: this.held,
      window: 2 * MAX_MESSAGE,
      backedUpWindow: MAX_MESSAGE,
      clock: this.clock,
      afterReads: check => check(),
    });
    for (let index = 0; index < PEERS; index++) {
      this.peers.push(new Peer(this.ledger, this.addresses[index % ADDRESSES]!));
    }
  }

  heldBy(peer: Peer): number {
    return this.settled.get(peer) ?? 0;
  }

  private hold(peer: Peer, change: number): void {
    this.settled.set(peer, this.heldBy(peer) + change);
  }

  run(action: Action): void {
    if (action.type === 'pass') {
      this.clock.advance(action.ms);
      return;
    }
    const peer = this.peers[action.at]!;
    switch (action.type) {
      case 'begin':
        return peer.begin(action.bytes, action.more);
      case 'receive':
        return peer.receive(action.bytes);
      case 'complete':
        return peer.complete();
      case 'stash':
        return peer.stash(action.bytes);
      case 'unstash':
        return peer.unstash();
      case 'close':
        return peer.close();
      case 'look away':
        peer.isReading = !peer.isReading;
        return undefined;
      case 'charge':
        peer.account.charge(action.bytes);
        return this.hold(peer, action.bytes);
      case 'settle': {
        const most = Math.min(action.bytes, this.heldBy(peer));
        peer.account.release(most);
        return this.hold(peer, -most);
      }
      default:
        return action satisfies never;
    }
  }

  check(): void {
    const live = this.peers.filter(({ isClosed }) => !isClosed);
    const sum = live.reduce((total, { reserved, stashed }) => total + reserved + stashed, 0);
    const stashed = live.reduce((total, peer) => total + peer.stashed, 0);
    expect(this.ledger.receiving.used).toBe(sum);
    // What has been read before anybody was asked comes on top; and the overhead of the frames behind a leave.
    expect(sum).toBeLessThanOrEqual(this.sizes.receiving + stashed + 100 * OVERHEAD);
    for (const address of this.addresses) {
      const own = this.peers.filter(peer => peer.address === address);
      expect(address.receiving).toBe(
        own.reduce((total, peer) => total + (peer.isClosed ? 0 : peer.reserved + peer.stashed), 0),
      );
      expect(address.held).toBe(own.reduce((total, peer) => total + this.heldBy(peer), 0));
      expect(own.filter(({ account }) => account.hasLeave).length).toBe(address.hasLeave ? 1 : 0);
    }
    expect(this.held.used).toBe(this.peers.reduce((total, peer) => total + this.heldBy(peer), 0));
    expect(this.ledger.receiving.waiters).toBe(live.filter(({ isWaiting }) => isWaiting).length);
  }

  /** Everybody goes on with what it has begun, or is evicted for not doing so. */
  finish(goesOn: (index: number) => boolean): void {
    for (const peer of this.peers) {
      peer.isReading = true;
    }
    for (let round = 0; round < 2_000 && this.peers.some(peer => !peer.isClosed && peer.message > 0); round++) {
      this.peers.forEach((peer, index) => {
        if (goesOn(index) && !peer.isWaiting) {
          peer.complete();
        }
        peer.unstash();
      });
      this.clock.advance(100);
      this.check();
      if (this.ledger.receiving.waiters === 0) {
        // Whoever holds something now is waited for by nobody.
        this.peers.forEach(peer => peer.complete());
      }
    }
  }
}

/** What a {@link Model} is made of: a model itself cannot be used twice. */
export const anySizes = fc
  .record({
    receiving: fc.integer({ min: 2 * MAX_MESSAGE, max: 6 * MAX_MESSAGE }),
    leaves: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ receiving, leaves }) => {
    const most = MAX_MESSAGE + 10 * OVERHEAD;
    return { receiving, reserve: Math.max(most, Math.min(leaves * most, receiving / 2)) };
  });
