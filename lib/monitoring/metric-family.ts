/** One figure with its labels. */
export interface ZmqMetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A distribution with its labels. */
export interface ZmqHistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  /** Upper bounds of the buckets, ascending, each included; beyond the last there is one more bucket. */
  readonly bounds: readonly number[];
  /** How many values fell into each bucket, by itself; one more than there are bounds. */
  readonly counts: readonly number[];
  readonly sum: number;
}

interface FamilyFields {
  /** As Prometheus names metrics: with the base unit, and `_total` behind what only grows. */
  readonly name: string;
  readonly help: string;
}

/** All figures of one name. They are read when somebody asks, and not kept anywhere else. */
export type ZmqMetricFamily =
  | (FamilyFields & { readonly type: 'counter' | 'gauge'; readonly samples: readonly ZmqMetricSample[] })
  | (FamilyFields & { readonly type: 'histogram'; readonly samples: readonly ZmqHistogramSample[] });

/** What has metrics: a server, a client, the process. */
export interface ZmqMetricSource {
  metrics(): readonly ZmqMetricFamily[];
}

/** In the place of a pattern that has no handler, or that is one too many: patterns of strangers never become labels. */
export const UNKNOWN_LABEL = '__unknown__';
