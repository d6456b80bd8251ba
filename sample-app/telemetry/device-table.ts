import type { Metric, StoredReading } from './reading.js';
import { RunningStatistics } from './running-statistics.js';
import type { DeviceStatistics } from './telemetry.patterns.js';

interface MetricRecord {
  readonly statistics: RunningStatistics;
  lastReading: StoredReading;
}

type DeviceRecord = Map<Metric, MetricRecord>;

/**
 * What is known of each device: statistics and the last reading, per metric.
 *
 * Bounded: a device beyond `maxDevices` takes the place of the one that has been silent longest.
 */
export class DeviceTable {
  /** Ordered by last sign of life, the longest silent device first. */
  private readonly devices = new Map<string, DeviceRecord>();

  constructor(private readonly options: { readonly maxDevices: number }) {}

  get size(): number {
    return this.devices.size;
  }

  record(reading: StoredReading): void {
    const device = this.touch(reading.deviceId);
    const metric = device.get(reading.metric);
    if (metric === undefined) {
      const statistics = new RunningStatistics();
      statistics.add(reading.value);
      device.set(reading.metric, { statistics, lastReading: reading });
      return;
    }
    metric.statistics.add(reading.value);
    metric.lastReading = reading;
  }

  /** Statistics of all metrics of a device, or of one; `undefined` if there are none. */
  statistics(deviceId: string, metric?: Metric): DeviceStatistics | undefined {
    const records = [...(this.devices.get(deviceId) ?? [])].filter(([name]) => metric === undefined || name === metric);
    return records.length === 0
      ? undefined
      : Object.fromEntries(records.map(([name, { statistics }]) => [name, statistics.snapshot()]));
  }

  /** The last reading of each metric, of one device or of all. */
  lastReadings(deviceId?: string): StoredReading[] {
    const devices = [...this.devices].filter(([id]) => deviceId === undefined || id === deviceId);
    return devices.flatMap(([, metrics]) => Array.from(metrics.values(), metric => metric.lastReading));
  }

  /** Whether the device was known, which it is no more. */
  forget(deviceId: string): boolean {
    return this.devices.delete(deviceId);
  }

  /** The record of a device, moved to the end of the order and created if need be. */
  private touch(deviceId: string): DeviceRecord {
    const device: DeviceRecord = this.devices.get(deviceId) ?? new Map();
    // A Map keeps the order of insertion, so inserting again is what moves an entry to the end.
    this.devices.delete(deviceId);
    this.devices.set(deviceId, device);
    if (this.devices.size > this.options.maxDevices) {
      this.forgetLongestSilent();
    }
    return device;
  }

  private forgetLongestSilent(): void {
    for (const deviceId of this.devices.keys()) {
      this.devices.delete(deviceId);
      return;
    }
  }
}
