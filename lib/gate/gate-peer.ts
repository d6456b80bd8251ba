import type { ByteBudget } from '../limits/byte-budget.js';
import type { ConnectionAccount } from '../limits/ledger.js';
import type { PeerAccount } from '../limits/peer-account.js';
import type { PeerUsage } from '../limits/peer-usage.js';
import type { BodyBuffers } from '../zmtp/frame-reader.js';
import type { Address } from './addresses.js';
import type { ConnectionRates } from './connection-rates.js';
import { Block, type ReadControl } from './read-control.js';

export interface GatePeerOptions {
  readonly owner: Address;
  readonly account: ConnectionAccount;
  readonly control: ReadControl;
  readonly rates: ConnectionRates;
  readonly bodies: BodyBuffers;
  readonly budget: ByteBudget;
  /** Addresses that have connections. */
  readonly addresses: () => number;
}

/** What the application sees and charges of a connection, for as long as it works on what came of it. */
export class GatePeer implements PeerAccount {
  /** Bytes that the application keeps until it has time for them. */
  private kept = 0;
  private hasEnded = false;

  constructor(private readonly options: GatePeerOptions) {}

  get address(): string {
    return this.options.owner.key;
  }

  get usage(): PeerUsage {
    return this.options.owner.usage;
  }

  get addresses(): number {
    return this.options.addresses();
  }

  get exceeded(): boolean {
    return this.options.budget.exceeded;
  }

  charge(bytes: number): void {
    this.options.account.charge(bytes);
  }

  release(bytes: number): void {
    this.options.account.release(bytes);
  }

  hold(bytes: number): boolean {
    if (!this.hasEnded) {
      this.kept = bytes;
      this.options.account.reserveAnyhow(bytes);
      this.options.control.block(Block.Work);
    }
    return true;
  }

  letGo(): void {
    if (!this.hasEnded) {
      this.options.account.reserveAnyhow(-this.kept);
      this.kept = 0;
      this.options.control.unblock(Block.Work);
    }
  }

  recycle(frames: readonly Buffer[]): void {
    for (const frame of frames) {
      this.options.bodies.give(frame);
    }
  }

  refused(): void {
    if (!this.hasEnded) {
      this.options.rates.refused();
    }
  }

  spend(packets: number): void {
    if (packets > 0 && !this.hasEnded) {
      this.options.rates.took(packets, 0);
      this.options.rates.check();
    }
  }

  /** The connection has ended. What the application holds of it stays charged until it is settled. */
  end(): void {
    this.hasEnded = true;
  }
}
