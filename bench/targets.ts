/** A promise about this transport: its rate over a peer's rate in the same run. */
export interface Target {
  readonly scenario: string;
  readonly peer: string;
  readonly atLeast: number;
  /** Whose rate it is about. @defaultValue this transport as it comes */
  readonly of?: string;
  /** Compares the median latency instead: at most this part of the peer's. */
  readonly p50AtMost?: number;
}

export const TARGETS: readonly Target[] = [
  { scenario: 'echo-256', peer: 'tcp', atLeast: 5 },
  { scenario: 'echo-1', peer: 'tcp', atLeast: 1 },
  { scenario: 'echo-256', peer: 'nats', atLeast: 7 },
  { scenario: 'echo-256', peer: 'zeromq', atLeast: 2.5 },
  { scenario: 'echo-1', peer: 'zeromq', atLeast: 0.9 },
  { scenario: 'events', peer: 'tcp', atLeast: 6 },
  { scenario: 'blob-64k', peer: 'tcp', atLeast: 40 },
  { scenario: 'blob-64k', peer: 'zeromq', atLeast: 0.8 },
  { scenario: 'blob-1m', peer: 'zeromq', atLeast: 0.8 },
  { scenario: 'echo-256', peer: 'json-zeromq', of: 'json-gate', atLeast: 2 },
  { scenario: 'echo-256', peer: 'batch-zeromq', of: 'batch-gate', atLeast: 1.1 },
  { scenario: 'blob-1m', peer: 'batch-zeromq', of: 'batch-gate', atLeast: 0.9 },
  { scenario: 'echo-256', peer: 'ours', of: 'limited', atLeast: 0.9 },
  { scenario: 'echo-256', peer: 'throttled', of: 'guarded', atLeast: 3 },
  { scenario: 'echo-256', peer: 'ours', of: 'tls', atLeast: 0.75 },
  { scenario: 'blob-1m', peer: 'ours', of: 'tls', atLeast: 0.5 },
  { scenario: 'echo-256', peer: 'ours', of: 'curve', atLeast: 0.5 },
  { scenario: 'echo-256', peer: 'ruleless', of: 'allowed', atLeast: 0.97 },
  { scenario: 'echo-1', peer: 'json-zeromq', of: 'json-gate', atLeast: 1, p50AtMost: 0.7 },
];
