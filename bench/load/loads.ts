/** Keeps `inFlight` requests open: for a time, of which the beginning is not counted, or for a number of requests. */
export interface RequestLoad {
  readonly payload: 'text' | 'binary';
  readonly bytes: number;
  readonly inFlight: number;
  readonly warmMs: number;
  readonly measureMs: number;
  /** Ends the load after so many requests, whatever the time. */
  readonly count?: number;
}

export interface RequestResult {
  /** Requests that settled inside the measured time. */
  readonly counted: number;
  readonly measuredMs: number;
  /** Requests that settled at all, for the processor time that each has cost. */
  readonly total: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
  readonly firstError?: string;
  /** False where requests were still open some time after the end. */
  readonly drained: boolean;
}

/** Emits events for a time, or a number of them. */
export interface EventLoad {
  readonly bytes: number;
  readonly measureMs: number;
  readonly count?: number;
}

export interface EventResult {
  readonly sent: number;
  readonly errors: number;
  readonly firstError?: string;
  /** On the clock that the processes share. */
  readonly startedAt: number;
}

export interface StreamLoad {
  readonly values: number;
  readonly measureMs: number;
}

export interface StreamResult {
  readonly received: number;
  readonly elapsedMs: number;
  /** False where the time was up first. */
  readonly completed: boolean;
  readonly firstError?: string;
}

/** How a client process is driven; the loads measure, so that each peer may be called in its own idiom. */
export interface BenchClient {
  requests(load: RequestLoad): Promise<RequestResult>;
  events(load: EventLoad): Promise<EventResult>;
  stream(load: StreamLoad): Promise<StreamResult>;
}

/** How long after its end a load waits for what is still open. */
export const GRACE_MS = 500;
