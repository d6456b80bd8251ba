import type { ZmqContext, ZmqHandlerLimits, ZmqRateLimit } from 'nestjs-zeromq';
import { DEVICE_METADATA } from './reading-record.js';
import { TelemetryPattern } from './telemetry.patterns.js';

/** Readings a second that one device may send, unless the service is told otherwise. */
export const DEFAULT_INGEST_RATE = 2_000;

/** So many readings a second of each device, however they are sent. */
export function readingRate(points: number): ZmqRateLimit {
  return { points, by: device, name: 'readings' };
}

/** The same for each handler that takes readings: limits that count together have to be equal. */
export function readingLimits(points: number): Readonly<Record<string, ZmqHandlerLimits>> {
  const rateLimit = readingRate(points);
  return { [TelemetryPattern.Ingest]: { rateLimit }, [TelemetryPattern.Reading]: { rateLimit } };
}

/**
 * Whose readings count together. The gateway passes on those of many devices, and says of which each is. The service takes
 * its callers' word for that; a service that cannot trust them adds a limit `by: 'identity'` or `by: 'peer'`.
 */
function device(context: ZmqContext): string {
  const name = context.getMetadata()?.[DEVICE_METADATA];
  // The prefix keeps a device from being named like a connection.
  return name === undefined ? `peer:${context.getPeer().id}` : `device:${name}`;
}
