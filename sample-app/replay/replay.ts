import type { ClientZmq } from 'nestjs-zeromq';
import { count, from, fromEvent, lastValueFrom, mergeMap, takeUntil, tap } from 'rxjs';
import type { Reading } from '../telemetry/reading.js';
import { type IngestAnswer, TelemetryPattern } from '../telemetry/telemetry.patterns.js';

/** Requests under way at a time: enough to keep the service busy, few enough to never fill a queue. */
const CONCURRENCY = 256;

interface ReplayOptions {
  readonly client: Pick<ClientZmq, 'send'>;
  readonly readings: readonly Reading[];
  /** Called for each reading that the service has stored. */
  readonly onStored: () => void;
  /** Ends the replay early, with the signal's reason as the error. */
  readonly signal: AbortSignal;
}

export interface ReplayResult {
  readonly stored: number;
  readonly seconds: number;
}

/** Sends readings to the telemetry service, each as a request of its own, and counts its answers. */
export async function replay({ client, readings, onStored, signal }: ReplayOptions): Promise<ReplayResult> {
  signal.throwIfAborted();
  const startedAt = performance.now();
  const stored = await lastValueFrom(
    from(readings).pipe(
      mergeMap(reading => client.send<IngestAnswer>(TelemetryPattern.Ingest, reading), CONCURRENCY),
      tap(onStored),
      takeUntil(fromEvent(signal, 'abort')),
      count(),
    ),
  );
  signal.throwIfAborted();
  return { stored, seconds: (performance.now() - startedAt) / 1000 };
}
