import { describe, expect, it } from 'vitest';
import { DeviceTable } from '../../../sample-app/telemetry/device-table.js';
import type { Metric, StoredReading } from '../../../sample-app/telemetry/reading.js';
import { RunningStatistics } from '../../../sample-app/telemetry/running-statistics.js';

const reading = (deviceId: string, metric: Metric, value: number): StoredReading => ({
  deviceId,
  metric,
  value,
  at: '2012-01-01',
});

describe('RunningStatistics', () => {
  it('counts, bounds and averages what was added', () => {
    const statistics = new RunningStatistics();
    for (const value of [4, -2, 7, 3]) statistics.add(value);

    expect(statistics.snapshot()).toEqual({ count: 4, min: -2, max: 7, mean: 3, last: 3 });
  });

  it('keeps the mean finite between the largest numbers there are', () => {
    const statistics = new RunningStatistics();
    for (const value of [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MAX_VALUE]) statistics.add(value);

    expect(statistics.snapshot().mean).toSatisfy(Number.isFinite);
  });
});

describe('DeviceTable', () => {
  it('keeps statistics of each metric of each device apart', () => {
    const table = new DeviceTable({ maxDevices: 10 });
    table.record(reading('a', 'temperature', 1));
    table.record(reading('a', 'temperature', 3));
    table.record(reading('a', 'wind', 9));
    table.record(reading('b', 'temperature', 100));

    expect(table.statistics('a')).toEqual({
      temperature: { count: 2, min: 1, max: 3, mean: 2, last: 3 },
      wind: { count: 1, min: 9, max: 9, mean: 9, last: 9 },
    });
    expect(table.statistics('a', 'wind')).toEqual({ wind: { count: 1, min: 9, max: 9, mean: 9, last: 9 } });
  });

  it('knows nothing of devices and metrics that never reported', () => {
    const table = new DeviceTable({ maxDevices: 10 });
    table.record(reading('a', 'temperature', 1));

    expect(table.statistics('b')).toBeUndefined();
    expect(table.statistics('a', 'humidity')).toBeUndefined();
    expect(table.statistics('__proto__')).toBeUndefined();
    expect(table.lastReadings('b')).toEqual([]);
  });

  it('returns the last reading of each metric, of one device or of all', () => {
    const table = new DeviceTable({ maxDevices: 10 });
    table.record(reading('a', 'temperature', 1));
    table.record(reading('a', 'temperature', 2));
    table.record(reading('a', 'wind', 3));
    table.record(reading('b', 'wind', 4));

    expect(table.lastReadings('a')).toEqual([reading('a', 'temperature', 2), reading('a', 'wind', 3)]);
    expect(table.lastReadings().map(({ value }) => value)).toEqual([2, 3, 4]);
  });

  it('forgets the device that has been silent longest when there are too many', () => {
    const table = new DeviceTable({ maxDevices: 2 });
    table.record(reading('a', 'wind', 1));
    table.record(reading('b', 'wind', 2));
    table.record(reading('a', 'wind', 3));
    table.record(reading('c', 'wind', 4));

    expect(table.size).toBe(2);
    expect(table.statistics('b')).toBeUndefined();
    expect(table.statistics('a')).toMatchObject({ wind: { count: 2 } });
    expect(table.statistics('c')).toMatchObject({ wind: { count: 1 } });
  });
});
