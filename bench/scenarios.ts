/** What one scenario measures; every peer is driven with exactly these numbers. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly kind: 'request' | 'event' | 'stream';
  /** What is counted, for the column headings. */
  readonly unit: string;
  readonly payload: 'text' | 'binary';
  /** Payload bytes of a request or event. */
  readonly bytes: number;
  /** Requests that are kept open at any moment. */
  readonly inFlight: number;
  /** Values of one stream. */
  readonly values: number;
}

const text = { payload: 'text', bytes: 100, inFlight: 1, values: 0 } as const;

/** Those of a kind together, for the runs that keep their processes. */
export const SCENARIOS: readonly Scenario[] = [
  { ...text, name: 'echo-256', title: '100 B echo, 256 in flight', kind: 'request', unit: 'requests/s', inFlight: 256 },
  { ...text, name: 'echo-1', title: '100 B echo, 1 in flight', kind: 'request', unit: 'requests/s' },
  {
    name: 'blob-64k',
    title: '64 KiB binary echo, 8 in flight',
    kind: 'request',
    unit: 'requests/s',
    payload: 'binary',
    bytes: 64 * 1024,
    inFlight: 8,
    values: 0,
  },
  {
    name: 'blob-1m',
    title: '1 MiB binary echo, 8 in flight',
    kind: 'request',
    unit: 'requests/s',
    payload: 'binary',
    bytes: 1024 * 1024,
    inFlight: 8,
    values: 0,
  },
  { ...text, name: 'events', title: '100 B events, until the server has them', kind: 'event', unit: 'events/s' },
  { ...text, name: 'stream', title: 'one stream of small values', kind: 'stream', unit: 'values/s', values: 100_000 },
];
