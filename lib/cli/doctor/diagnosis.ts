import { ZmqException } from '../../errors/zmq.exception.js';
import { resolveServerOptions, type ZmqServerOptions } from '../../options/server-options.js';
import { libzmqCapabilities, libzmqVersion } from '../../socket/libzmq-version.js';
import { checkCredentials } from './credential-check.js';
import { examineLibzmq, examineLimits, examineListeners, type Libzmq } from './examination.js';
import type { Finding } from './finding.js';
import { reportListeners, type ListenerReport } from './listener-report.js';
import { planMemory, type MemoryPlan } from './memory-plan.js';
import { shown, type Shown } from './shown-options.js';
import { readVersions, type Versions } from './versions.js';

/** What a server would run with, and what is wrong with it. */
export interface Diagnosis {
  readonly versions: Versions;
  /** What follows from options that are right; `undefined` if they are not. */
  readonly server: ServerDiagnosis | undefined;
  readonly findings: readonly Finding[];
}

export interface ServerDiagnosis {
  readonly options: Shown | undefined;
  readonly memory: MemoryPlan;
  readonly listeners: readonly ListenerReport[];
}

export interface Circumstances {
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly libzmq: Libzmq;
}

/** @param circumstances Where and when a server would run, by default here and now. */
export async function diagnose(
  given: ZmqServerOptions | undefined,
  circumstances: Partial<Circumstances> = {},
): Promise<Diagnosis> {
  const {
    directory = process.cwd(),
    now = Date.now(),
    libzmq = { version: libzmqVersion, capabilities: libzmqCapabilities },
  } = circumstances;
  const versions = readVersions(directory);
  const findings = [...examineLibzmq(libzmq)];
  let options;
  try {
    options = resolveServerOptions(given);
  } catch (error) {
    if (error instanceof ZmqException) {
      return { versions, server: undefined, findings: [...findings, { level: 'error', text: error.message }] };
    }
    throw error;
  }
  const memory = planMemory(options);
  const listeners = await reportListeners(options);
  findings.push(
    ...examineListeners(listeners, options, libzmq),
    ...examineLimits(options, memory),
    ...checkCredentials(options, now),
  );
  return { versions, server: { options: shown(options), memory, listeners }, findings };
}
