import type { ClientZmq } from 'nestjs-zeromq';
import {
  bufferCount,
  concat,
  concatMap,
  count,
  from,
  fromEvent,
  lastValueFrom,
  merge,
  type Observable,
  takeUntil,
  tap,
} from 'rxjs';
import { readingRecord } from '../telemetry/reading-record.js';
import type { Reading } from '../telemetry/reading.js';
import { type IngestAnswer, TelemetryPattern } from '../telemetry/telemetry.patterns.js';

/**
 * Readings of one device under way at a time. The next ones wait until all of these are stored: they would take the room
 * for which those wait that were refused.
 */
const BATCH = 8;

interface ReplayOptions {
  /** Sends again what the service refuses for the time being. */
  readonly client: Pick<ClientZmq, 'send' | 'on'>;
  readonly readings: readonly Reading[];
  /** Called for each reading that the service has stored. */
  readonly onStored: () => void;
  /** Ends the replay early, with the signal's reason as the error. */
  readonly signal: AbortSignal;
}

export interface ReplayResult {
  readonly stored: number;
  readonly seconds: number;
  /** How often a reading was refused for the time being and sent again. */
  readonly retries: number;
}

/** Sends readings to the telemetry service, each as a request of its own, all devices at once, and counts its answers. */
export async function replay({ client, readings, onStored, signal }: ReplayOptions): Promise<ReplayResult> {
  signal.throwIfAborted();
  let retries = 0;
  client.on('retry', () => (retries += 1));
  const send = (reading: Reading) => client.send<IngestAnswer>(TelemetryPattern.Ingest, readingRecord(reading));
  const startedAt = performance.now();
  const stored = await lastValueFrom(
    merge(...byDevice(readings).map(ofDevice => inTurn(ofDevice, send))).pipe(
      tap(onStored),
      takeUntil(fromEvent(signal, 'abort')),
      count(),
    ),
  );
  signal.throwIfAborted();
  return { stored, seconds: (performance.now() - startedAt) / 1000, retries };
}

/** In batches, and at last one by one: a refusal changes the order within a batch, and the service shows what arrived last. */
function inTurn<T>(readings: readonly Reading[], send: (reading: Reading) => Observable<T>): Observable<T> {
  return concat(
    from(readings.slice(0, -BATCH)).pipe(
      bufferCount(BATCH),
      concatMap(batch => merge(...batch.map(send))),
    ),
    from(readings.slice(-BATCH)).pipe(concatMap(send)),
  );
}

function byDevice(readings: readonly Reading[]): Reading[][] {
  const devices = new Map<string, Reading[]>();
  for (const reading of readings) {
    const ofDevice = devices.get(reading.deviceId) ?? [];
    devices.set(reading.deviceId, ofDevice);
    ofDevice.push(reading);
  }
  return [...devices.values()];
}
