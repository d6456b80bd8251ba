import type { ZmqException } from '../errors/zmq.exception.js';
import type { Parcel } from './client-request.js';

/** Requests and events that wait for a connection, at most so many. */
export class Parking {
  private parcels: Parcel[] = [];

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.parcels.length;
  }

  /** Keeps a parcel; `false` if there is no room. */
  add(parcel: Parcel): boolean {
    if (this.parcels.length >= this.capacity) {
      this.parcels = this.parcels.filter(({ settled }) => !settled);
      if (this.parcels.length >= this.capacity) {
        return false;
      }
    }
    parcel.parkedAt = performance.now();
    this.parcels.push(parcel);
    return true;
  }

  /** Gives out all that still wait, oldest first. */
  takeAll(): Parcel[] {
    const { parcels } = this;
    this.parcels = [];
    return parcels.filter(({ settled }) => !settled);
  }

  /** Fails those that have waited for at least `ms`; says whether others are left. */
  failOlderThan(ms: number, error: ZmqException): boolean {
    const limit = performance.now() - ms;
    const old = this.parcels.filter(({ parkedAt }) => parkedAt <= limit);
    this.parcels = this.parcels.filter(({ parkedAt, settled }) => parkedAt > limit && !settled);
    for (const parcel of old) {
      parcel.fail(error);
    }
    return this.parcels.length > 0;
  }
}
