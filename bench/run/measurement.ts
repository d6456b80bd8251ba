import type { EventLoad, EventResult, RequestResult, StreamResult } from '../load/loads.js';
import { GRACE_MS } from '../load/loads.js';
import type { Pair } from '../processes/pair.js';
import type { Scenario } from '../scenarios.js';

/** How long things take; the same for all peers. */
export interface Times {
  readonly warmMs: number;
  readonly measureMs: number;
  /** The end of a stream or of the receipt of events, finished or not. */
  readonly longestMs: number;
}

/** What one peer did in one round. */
export interface Round {
  /** Requests, events or values a second. */
  readonly rate: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
  /** Processor time for one of them, without that of a broker. */
  readonly serverCpuUs?: number;
  readonly clientCpuUs?: number;
  /** Anything that makes the figure less than it seems. */
  readonly note?: string;
  /** The pair is still busy with what this round has left behind. */
  readonly stuck?: boolean;
}

const SLACK_MS = 1_000;

/** Runs one scenario once on a started pair. */
export async function measure(pair: Pair, scenario: Scenario, times: Times): Promise<Round> {
  const before = await pair.usage();
  const { count, ...round } = await measureKind(pair, scenario, times);
  if (round.stuck || count === 0) return round;
  const after = await pair.usage();
  return {
    ...round,
    serverCpuUs: (after.server.cpuUs - before.server.cpuUs) / count,
    clientCpuUs: (after.client.cpuUs - before.client.cpuUs) / count,
  };
}

function measureKind(pair: Pair, scenario: Scenario, times: Times): Promise<Round & { count: number }> {
  switch (scenario.kind) {
    case 'request':
      return measureRequests(pair, scenario, times);
    case 'event':
      return measureEvents(pair, scenario, times);
    case 'stream':
      return measureStream(pair, scenario, times);
  }
}

async function measureRequests(
  { client }: Pair,
  { payload, bytes, inFlight }: Scenario,
  { warmMs, measureMs }: Times,
): Promise<Round & { count: number }> {
  const load = { payload, bytes, inFlight, warmMs, measureMs };
  const limit = warmMs + measureMs + GRACE_MS + SLACK_MS;
  const result = await client.ask<RequestResult>({ task: 'requests', load }, limit);
  const { counted, total, measuredMs, p50Us, p99Us, errors, firstError, drained } = result;
  return {
    rate: (counted / measuredMs) * 1_000,
    count: total,
    ...(counted > 0 && { p50Us, p99Us }),
    ...(!drained && { stuck: true, note: `requests still open ${GRACE_MS} ms after the end` }),
    ...(errors > 0 && { note: `${errors} errors: ${firstError}` }),
  };
}

async function measureEvents(pair: Pair, { bytes }: Scenario, times: Times): Promise<Round & { count: number }> {
  const warm = await emitAndSettle(pair, { bytes, measureMs: times.warmMs }, times);
  const { sent, errors, firstError, received, elapsedMs } = await emitAndSettle(
    pair,
    { bytes, measureMs: times.measureMs },
    times,
  );
  const notes = [
    ...(errors > 0 ? [`${errors} errors: ${firstError}`] : []),
    ...(received < sent ? [`${sent - received} of ${sent} never arrived`] : []),
  ];
  return {
    rate: received > 0 ? (received / elapsedMs) * 1_000 : 0,
    count: warm.received + received,
    ...(notes.length > 0 && { note: notes.join('; ') }),
  };
}

async function emitAndSettle({ client, server }: Pair, load: EventLoad, { longestMs }: Times) {
  const emitted = await client.ask<EventResult>({ task: 'events', load }, load.measureMs + longestMs);
  const settled = await server.ask<{ received: number; lastAt: number }>(
    { task: 'settle', expected: emitted.sent },
    longestMs,
  );
  return { ...emitted, received: settled.received, elapsedMs: settled.lastAt - emitted.startedAt };
}

async function measureStream({ client }: Pair, { values }: Scenario, times: Times): Promise<Round & { count: number }> {
  const limit = times.longestMs + SLACK_MS;
  const load = { values, measureMs: times.longestMs };
  const warm = { values: Math.ceil(values / 10), measureMs: times.longestMs };
  const { received: warmed } = await client.ask<StreamResult>({ task: 'stream', load: warm }, limit);
  const { received, elapsedMs, completed, firstError } = await client.ask<StreamResult>(
    { task: 'stream', load },
    limit,
  );
  const end = firstError ?? 'the time was up';
  return {
    rate: (received / elapsedMs) * 1_000,
    count: warmed + received,
    ...(!completed && { stuck: true, note: `${received} of ${values} values, then: ${end}` }),
  };
}
