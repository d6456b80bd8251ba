import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { filter, type Observable } from 'rxjs';
import { DeviceTable } from './device-table.js';
import { LiveFeed } from './live-feed.js';
import type { Metric, Reading, StoredReading } from './reading.js';
import type { DeviceStatistics } from './telemetry.patterns.js';

const MAX_DEVICES = 1_000;
const MAX_WATCHERS = 256;

/** Stores readings in memory and tells what is known of a device. */
@Injectable()
export class TelemetryService implements OnModuleDestroy {
  private readonly devices = new DeviceTable({ maxDevices: MAX_DEVICES });
  private readonly feed = new LiveFeed({ maxWatchers: MAX_WATCHERS });

  store({ deviceId, metric, value, at }: Reading): void {
    const reading: StoredReading = { deviceId, metric, value, at: at ?? new Date().toISOString() };
    this.devices.record(reading);
    this.feed.publish(reading);
  }

  /** @throws RpcException with code `NOT_FOUND` if nothing is known of the device, or of this metric of it. */
  statistics(deviceId: string, metric?: Metric): DeviceStatistics {
    const statistics = this.devices.statistics(deviceId, metric);
    if (statistics === undefined) {
      const what = metric === undefined ? 'readings' : `${metric} readings`;
      throw new RpcException({ code: 'NOT_FOUND', message: `There are no ${what} of device ${deviceId}` });
    }
    return statistics;
  }

  /** The last known readings, then live ones, of one device or of all. */
  watch(deviceId?: string): Observable<StoredReading> {
    const live = this.feed.watch(() => this.devices.lastReadings(deviceId));
    return live.pipe(filter(reading => deviceId === undefined || reading.deviceId === deviceId));
  }

  /** Whether anything was known of the device, of which nothing is now. */
  forget(deviceId: string): boolean {
    return this.devices.forget(deviceId);
  }

  /** Streams that have no end of their own would otherwise hold up the server's drain at shutdown. */
  onModuleDestroy(): void {
    this.feed.close();
  }
}
