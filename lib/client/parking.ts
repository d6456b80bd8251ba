import type { ZmqException } from '../errors/zmq.exception.js';
import { encodePayload } from '../wire/payload-codec.js';
import type { Parcel } from './client-request.js';

/** What a parcel costs in memory beside its data. */
const PARCEL_OVERHEAD = 256;

export interface ParkingLimits {
  readonly maxParcels: number;
  readonly maxBytes: number;
}

/** Requests and events that wait for a connection, within limits of number and bytes. */
export class Parking {
  private parcels: Parcel[] = [];
  private held = 0;
  /** Refusals still to come before the settled ones are looked for again. */
  private unswept = 0;

  constructor(private readonly limits: ParkingLimits) {}

  get size(): number {
    return this.parcels.length;
  }

  /** Keeps a parcel; `false` if there is no room. An empty place takes any one parcel. */
  add(parcel: Parcel): boolean {
    const size = sizeOf(parcel);
    if (!this.hasRoom(size)) {
      this.forgetSettled();
      if (!this.hasRoom(size)) {
        return false;
      }
    }
    parcel.parkedAt = performance.now();
    parcel.parkedSize = size;
    this.parcels.push(parcel);
    this.held += size;
    return true;
  }

  /** Gives out all that still wait, oldest first. */
  takeAll(): Parcel[] {
    const { parcels } = this;
    this.keep([]);
    return parcels.filter(({ settled }) => !settled);
  }

  /** Fails those that have waited for at least `ms`; says whether others are left. */
  failOlderThan(ms: number, error: ZmqException): boolean {
    const limit = performance.now() - ms;
    const old = this.parcels.filter(({ parkedAt }) => parkedAt <= limit);
    this.keep(this.parcels.filter(({ parkedAt, settled }) => parkedAt > limit && !settled));
    for (const parcel of old) {
      parcel.fail(error);
    }
    return this.parcels.length > 0;
  }

  /** Looks through all only now and then: a flood of parcels meets a full place every time. */
  private forgetSettled(): void {
    if (this.unswept > 0) {
      this.unswept--;
      return;
    }
    this.keep(this.parcels.filter(({ settled }) => !settled));
    this.unswept = Math.floor(this.parcels.length / 16);
  }

  private hasRoom(size: number): boolean {
    const { maxParcels, maxBytes } = this.limits;
    return this.parcels.length === 0 || (this.parcels.length < maxParcels && this.held + size <= maxBytes);
  }

  private keep(parcels: Parcel[]): void {
    this.parcels = parcels;
    this.held = parcels.reduce((sum, { parkedSize }) => sum + parkedSize, 0);
  }
}

function sizeOf({ contents }: Parcel): number {
  const { data, metadata, encoding } = contents;
  try {
    return encodePayload(data, encoding).maxSize + metadata.length + PARCEL_OVERHEAD;
  } catch {
    // It will be refused for that when it is sent.
    return PARCEL_OVERHEAD;
  }
}
