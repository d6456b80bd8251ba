import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import type { Parcel } from '../../../lib/client/client-request.js';
import { Parking } from '../../../lib/client/parking.js';

const ERROR = new ZmqException('DISCONNECTED', 'nobody there');

interface FakeParcel extends Parcel {
  settled: boolean;
  failure: ZmqException | undefined;
}

function parcel(onFail: () => void = () => undefined): FakeParcel {
  return {
    contents: { route: 'r', data: 1, metadata: '', encoding: 'json' },
    parkedAt: 0,
    parkedSize: 0,
    settled: false,
    failure: undefined,
    sendThrough: () => undefined,
    refused: () => undefined,
    fail(error) {
      this.failure = error;
      this.settled = true;
      onFail();
    },
  };
}

describe('Parking', () => {
  it('keeps parcels up to its capacity and gives them out in order, once', () => {
    const parking = new Parking({ maxParcels: 2, maxBytes: 1_000_000_000 });
    const [one, two, three] = [parcel(), parcel(), parcel()];
    expect([parking.add(one), parking.add(two), parking.add(three)]).toEqual([true, true, false]);
    expect([parking.takeAll(), parking.takeAll(), parking.size]).toEqual([[one, two], [], 0]);
    expect(parking.add(three)).toBe(true);
  });

  it('keeps no more bytes than it may, but always one parcel', () => {
    const parking = new Parking({ maxParcels: 10, maxBytes: 2_000 });
    const large = () => ({ ...parcel(), contents: { ...parcel().contents, data: Buffer.alloc(1_500) } });
    expect([parking.add(large()), parking.add(large())]).toEqual([true, false]);
    parking.takeAll();
    const huge = { ...parcel(), contents: { ...parcel().contents, data: Buffer.alloc(5_000) } };
    expect([parking.add(huge), parking.add(parcel())]).toEqual([true, false]);
    huge.settled = true;
    expect(parking.add(large())).toBe(true);
  });

  it('does not look through all it keeps for every parcel that it refuses', () => {
    const parking = new Parking({ maxParcels: 1_600, maxBytes: 1_000_000_000 });
    let looks = 0;
    for (let i = 0; i < 1_600; i++) {
      const kept = parcel();
      parking.add(Object.defineProperty(kept, 'settled', { get: () => (looks++, false) }));
    }
    for (let i = 0; i < 1_000; i++) {
      expect(parking.add(parcel())).toBe(false);
    }
    expect(looks).toBeLessThan(1_600 * 11);
  });

  it('makes room for a new parcel by forgetting those that have settled', () => {
    const parking = new Parking({ maxParcels: 2, maxBytes: 1_000_000_000 });
    const [one, two, three] = [parcel(), parcel(), parcel()];
    parking.add(one);
    parking.add(two);
    one.settled = true;
    expect([parking.add(three), parking.takeAll()]).toEqual([true, [two, three]]);
  });

  it('does not give out what has settled meanwhile', () => {
    const parking = new Parking({ maxParcels: 2, maxBytes: 1_000_000_000 });
    const one = parcel();
    parking.add(one);
    one.settled = true;
    expect(parking.takeAll()).toEqual([]);
  });

  it('fails those that have waited long enough, and says whether others are left', () => {
    const parking = new Parking({ maxParcels: 3, maxBytes: 1_000_000_000 });
    const [old, young] = [parcel(), parcel()];
    parking.add(old);
    parking.add(young);
    old.parkedAt -= 1_000;
    expect(parking.failOlderThan(500, ERROR)).toBe(true);
    expect([old.failure, young.failure, parking.size]).toEqual([ERROR, undefined, 1]);
    young.settled = true;
    expect(parking.failOlderThan(500, ERROR)).toBe(false);
  });

  it('keeps what is parked while others fail', () => {
    const parking = new Parking({ maxParcels: 1, maxBytes: 1_000_000_000 });
    const next = parcel();
    const old = parcel(() => parking.add(next));
    parking.add(old);
    old.parkedAt -= 1_000;
    expect([parking.failOlderThan(500, ERROR), parking.takeAll()]).toEqual([true, [next]]);
  });
});
