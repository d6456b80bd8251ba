/** What a device can measure. The list is closed, which also bounds what one device can occupy in memory. */
export const METRICS = ['temperature', 'humidity', 'pressure', 'precipitation', 'wind'] as const;
export type Metric = (typeof METRICS)[number];

/** Characters. */
export const MAX_DEVICE_ID_LENGTH = 64;

/** One value that a device measured. */
export interface Reading {
  readonly deviceId: string;
  readonly metric: Metric;
  readonly value: number;
  /** When it was measured, ISO 8601. A reading without it counts as measured on arrival. */
  readonly at?: string;
}

/** A reading as the service keeps it and passes it on. */
export type StoredReading = Required<Reading>;
