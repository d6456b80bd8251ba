/** A promise about this transport: its rate over a peer's rate in the same run. */
export interface Target {
  readonly scenario: string;
  readonly peer: string;
  readonly atLeast: number;
}

export const TARGETS: readonly Target[] = [
  { scenario: 'echo-256', peer: 'tcp', atLeast: 4 },
  { scenario: 'echo-256', peer: 'nats', atLeast: 7 },
  { scenario: 'echo-256', peer: 'zeromq', atLeast: 2.5 },
  { scenario: 'echo-1', peer: 'zeromq', atLeast: 0.9 },
  { scenario: 'events', peer: 'tcp', atLeast: 6 },
  { scenario: 'blob-64k', peer: 'tcp', atLeast: 40 },
  { scenario: 'blob-64k', peer: 'zeromq', atLeast: 0.8 },
  { scenario: 'blob-1m', peer: 'zeromq', atLeast: 0.8 },
];
