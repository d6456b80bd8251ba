import { ZmqContext, ZmqRecord } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { readingRate } from '../../../sample-app/telemetry/reading-rate.js';
import { readingRecord } from '../../../sample-app/telemetry/reading-record.js';

/** By what the service counts a reading that a client has sent. */
function keyOf(reading: unknown, peer = 'connection-1'): string {
  const { metadata } = readingRecord(reading);
  const { by } = readingRate(1);
  const context = new ZmqContext({ pattern: 'telemetry.ingest', metadata, peer: { id: peer }, deadline: undefined });
  if (typeof by !== 'function') throw new Error('The rate is counted by a function');
  return by(context);
}

describe('the rate of readings', () => {
  it('is counted by device, whatever the connection', () => {
    expect(keyOf({ deviceId: 'roof' })).toBe(keyOf({ deviceId: 'roof', value: 1 }, 'connection-2'));
    expect(keyOf({ deviceId: 'roof' })).not.toBe(keyOf({ deviceId: 'cellar' }));
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['text', 'roof'],
    ['a list', [{ deviceId: 'roof' }]],
    ['a reading without a device', { value: 1 }],
    ['a device that is no text', { deviceId: { toString: 1 } }],
    ['an overlong device', { deviceId: 'x'.repeat(65) }],
  ])('is counted by connection for %s', (_, reading) => {
    expect(keyOf(reading)).toBe(keyOf({}));
    expect(keyOf(reading)).not.toBe(keyOf(reading, 'connection-2'));
  });

  it('does not take a device for the connection whose name it has', () => {
    expect(keyOf({ deviceId: 'connection-1' })).not.toBe(keyOf({}));
  });
});

describe('readingRecord', () => {
  it('hands on the reading as it is', () => {
    const reading = { deviceId: 'roof', admin: true };

    expect(readingRecord(reading)).toBeInstanceOf(ZmqRecord);
    expect(readingRecord(reading).data).toBe(reading);
  });
});
