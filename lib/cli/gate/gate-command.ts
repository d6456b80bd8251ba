import { textOf } from '../../errors/text-of.js';
import { ZmqException } from '../../errors/zmq.exception.js';
import type { TlsReload } from '../../gate/tls-handshakes.js';
import type { ZmqViolation } from '../../limits/violation.js';
import { hasConnections } from '../../options/identity-options.js';
import { assertProtected } from '../../security/exposure.js';
import type { CliIo } from '../cli-io.js';
import { UsageError } from '../usage-error.js';
import { loadSettings, parseGateFlags, type GateFlags } from './gate-flags.js';
import { gateHelp } from './gate-help.js';
import { GateLog, type LogEntry, type LogForm } from './gate-log.js';
import { GateProgram, type GateProgramEvents } from './gate-program.js';
import type { GateSettings } from './gate-settings.js';
import { statusLine } from './gate-status.js';

/** Of each kind of violation, one line in this time; a reader of JSON wants more of them than a person. */
const SAMPLE_MS: Readonly<Record<LogForm, number>> = { json: 1_000, text: 10_000, live: 10_000 };
const SERVICE_SAMPLE_MS = 1_000;
const TLS_SAMPLE_MS = 60_000;
const WAYS_OUT =
  'Either listen where only this machine can reach it (tcp://127.0.0.1), or encrypt it (tls:// with --tls-cert and --tls-key), ' +
  'or say --allow-insecure (config.allowInsecure) where the network itself keeps all others out.';
const LIVE_MS = 1_000;

/**
 * `nestjs-zeromq gate`: a gate in front of a ZeroMQ service, until it is asked to stop.
 *
 * @throws {@link UsageError} that names the flag or the option of the config file.
 */
export async function runGate(args: readonly string[], io: CliIo): Promise<number> {
  const flags = parseGateFlags(args);
  if (flags === 'help') {
    io.out(gateHelp());
    return 0;
  }
  const settings = loadSettings(flags);
  const form = flags.json ? 'json' : io.isTTY ? 'live' : 'text';
  const log = new GateLog(io, form);
  const failure = new AbortController();
  const problems = await protectedOrRefused(settings);
  const program = createProgram(settings, {
    violation: violation => log.sample(`violation ${violation.kind}`, SAMPLE_MS[form], () => violationEntry(violation)),
    service: (state, reason) =>
      log.sample(`service ${state}`, SERVICE_SAMPLE_MS, () => serviceEntry(settings.forward, state, reason)),
    tls: (listener, reload) => {
      const kind = `tls ${reload.error === undefined ? 'new' : 'failed'} ${listener}`;
      log.sample(kind, TLS_SAMPLE_MS, () => tlsEntry(listener, reload));
    },
    failed: error => failure.abort(error),
  });
  io.onReload(() => reload(program, flags, log));
  try {
    await program.open();
  } catch (error) {
    await program.close();
    io.err(error instanceof ZmqException ? error.message : textOf(error));
    return 1;
  }
  log.say(startedEntry(settings, program.endpoints));
  if (problems.length > 0) {
    log.say({ event: 'insecure', fields: { problems }, text: `Insecure, as it was told to be: ${problems.join(' ')}` });
  }
  const stopStatus = reportStatus(program, log, form, flags.statusInterval);
  await aborted(AbortSignal.any([io.signal, failure.signal]));
  if (failure.signal.aborted) {
    io.err(`The gate cannot go on: ${textOf(failure.signal.reason)}`);
  }
  log.say({ event: 'stopping', fields: {}, text: 'Stopping: no new connections; what is under way may finish.' });
  await program.close();
  stopStatus();
  const status = program.status.read();
  log.say({ event: 'stopped', fields: status, text: `Stopped. ${status.messagesIn} messages forwarded.` });
  return failure.signal.aborted ? 1 : 0;
}

/** What is wrong with listeners that other machines can reach, where it is wanted so. */
async function protectedOrRefused({
  listen,
  identities,
  socket,
  allowInsecure,
}: GateSettings): Promise<readonly string[]> {
  try {
    const isAsked = hasConnections(identities);
    return await assertProtected({ listeners: listen, ipv6: socket.ipv6, isAsked, allowInsecure, waysOut: WAYS_OUT });
  } catch (error) {
    throw asUsageError(error);
  }
}

function createProgram(settings: GateSettings, events: GateProgramEvents): GateProgram {
  try {
    return new GateProgram(settings, events);
  } catch (error) {
    throw asUsageError(error);
  }
}

function asUsageError(error: unknown): unknown {
  return error instanceof ZmqException && error.code === 'INVALID_OPTIONS' ? new UsageError(error.message) : error;
}

function reload(program: GateProgram, flags: GateFlags, log: GateLog): void {
  try {
    const { changed, ignored } = program.reload(loadSettings(flags));
    const what = changed.length === 0 ? 'nothing has changed' : changed.join(', ');
    const rest = ignored.length === 0 ? '' : ` Needs a restart: ${ignored.join(', ')}.`;
    log.say({ event: 'reloaded', fields: { changed, ignored }, text: `Reloaded: ${what}.${rest}` });
  } catch (error) {
    const reason = error instanceof UsageError ? error.message : textOf(error);
    log.say({ event: 'reload-failed', fields: { reason }, text: `Not reloaded, all stays as it was: ${reason}` });
  }
}

function reportStatus(program: GateProgram, log: GateLog, form: LogForm, interval: number): () => void {
  const report = () => {
    const status = program.status.read();
    if (form === 'live') {
      log.live(statusLine(status));
    } else {
      log.say({ event: 'status', fields: status, text: statusLine(status) });
    }
  };
  if (form === 'live') {
    report();
  } else if (interval === 0) {
    return () => undefined;
  }
  const timer = setInterval(report, form === 'live' ? LIVE_MS : interval);
  return () => {
    clearInterval(timer);
    log.endLive();
  };
}

function startedEntry(settings: GateSettings, endpoints: readonly string[]) {
  const { forward, type, memoryBudget, maxMessageSize } = settings;
  return {
    event: 'started',
    fields: { endpoints, forward, type, memoryBudget, maxMessageSize, pid: process.pid },
    text: `Listening on ${endpoints.join(', ')} for the ${type.toUpperCase()} at ${forward}.`,
  };
}

function serviceEntry(forward: string, state: string, reason: string | undefined) {
  const text = state === 'up' ? `The service at ${forward} is there.` : `No connection to ${forward}: ${reason}.`;
  return { event: 'service', fields: { state, forward, ...(reason !== undefined && { reason }) }, text };
}

function tlsEntry(listener: string, { error, validTo }: TlsReload): LogEntry {
  const until = validTo.toISOString();
  if (error === undefined) {
    const text = `${listener} has a new certificate, valid until ${until}.`;
    return { event: 'tls', fields: { state: 'reloaded', listener, validTo }, text };
  }
  const reason = textOf(error);
  const text = `${listener} keeps its certificate, valid until ${until}: ${reason}`;
  return { event: 'tls', fields: { state: 'failed', listener, validTo, reason }, text };
}

function violationEntry(violation: ZmqViolation) {
  const { id, kind, address, action, count, figures } = violation;
  const { limit, actual, reason } = figures;
  const measured = actual === undefined ? '' : `, ${actual}`;
  const allowed = limit === undefined ? '' : ` where ${limit} is the limit`;
  const why = reason === undefined ? '' : `, ${reason}`;
  const times = count > 1 ? ` (${count} times)` : '';
  const text = `Violation ${id} ${kind} by ${address ?? 'an unknown address'}${measured}${allowed}${why}: ${action}${times}`;
  return { event: 'violation', fields: violation, text };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
    } else {
      signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}
