import type { MetricStatistics } from './running-statistics.js';
import type { Metric } from './reading.js';

/** The patterns of the telemetry service, for its controller and its callers alike. */
export const TelemetryPattern = {
  /** Request: stores one reading and answers {@link IngestAnswer}. */
  Ingest: 'telemetry.ingest',
  /** Event: stores one reading without an answer. */
  Reading: 'telemetry.reading',
  /** Request: answers {@link DeviceStatistics}. */
  Stats: 'telemetry.stats',
  /** Request: streams the last known readings, then each new one as it arrives. */
  Watch: 'telemetry.watch',
  /** Request: forgets all readings of a device and answers {@link ForgetAnswer}. */
  Forget: 'telemetry.forget',
} as const;

export interface IngestAnswer {
  readonly stored: true;
}

export interface ForgetAnswer {
  /** Whether anything was known of the device. */
  readonly forgotten: boolean;
}

/** Statistics of one device; metrics that it never reported are absent. */
export type DeviceStatistics = Partial<Record<Metric, MetricStatistics>>;
