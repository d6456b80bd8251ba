import { setTimeout as sleep } from 'node:timers/promises';
import type { AttackOutcome, TargetPatterns } from './attack.js';
import { Attacker } from './attacker.js';
import { HARD_CAPS } from './hard-caps.js';
import { HonestClient, type HonestLoad } from './honest-client.js';
import type { PhaseFigures } from './honest-phase.js';
import { readMemory } from './memory-probe.js';
import { MemoryWatch } from './memory-watch.js';
import { stopSwitch } from './stop-switch.js';
import type { Target } from './target.js';

/** Small requests at a pace that a service answers beside other work. */
export const ORDINARY_LOAD: HonestLoad = Object.freeze({ rate: 500, bytes: 100, inFlight: 64 });
/** Messages that need nearly all the room that one message may have. */
export const LARGE_LOAD: HonestLoad = Object.freeze({ rate: 20, bytes: 1_000_000, inFlight: 2 });

export interface MeasurementOptions {
  readonly target: Target;
  /** Ids in the catalogue; several run at the same time. */
  readonly attacks: readonly string[];
  readonly patterns: TargetPatterns;
  readonly milliseconds: number;
  /** How long the honest client is measured alone before. @defaultValue 2000 */
  readonly baselineMs?: number;
  readonly load?: HonestLoad;
  /** Process of the target, if its memory is to be watched. */
  readonly pid?: number | undefined;
  /** Bytes at rest, if they were measured before. @defaultValue what it has after the baseline */
  readonly rest?: number | undefined;
  /** Where the attack goes, if not to where the honest client goes. */
  readonly attackTarget?: Target;
  /** What attackers say they are. @defaultValue 'DEALER' */
  readonly socketType?: string;
  /** Memory of the target at which the attack is stopped. @defaultValue the hard cap */
  readonly stopAtBytes?: number;
  /** The program of the attacking process. */
  readonly program?: URL;
  readonly signal?: AbortSignal;
}

/** Resident memory of the target, in bytes. */
export interface MeasuredMemory {
  /** What growth is counted from. */
  readonly rest: number;
  /** After the baseline, right before the attack. */
  readonly warm: number;
  readonly peak: number;
}

export interface Measurement {
  /** Of the target's process; `undefined` if it was not watched. */
  readonly memory: MeasuredMemory | undefined;
  readonly baseline: PhaseFigures;
  readonly attacked: PhaseFigures;
  readonly outcomes: readonly AttackOutcome[];
  /** Whether the target answers a new client when it is over. */
  readonly answersAfter: boolean;
  /** Whether the attack was cut short for the sake of the machine. */
  readonly stopped: boolean;
}

/** One attack, or several at a time, beside an honest client whose goodput is measured right before and meanwhile. */
export async function measure(options: MeasurementOptions): Promise<Measurement> {
  const { target, patterns, load = ORDINARY_LOAD, signal = new AbortController().signal } = options;
  const attacker = await Attacker.start(options.program);
  const honest = new HonestClient({ target, pattern: patterns.echo, load });
  try {
    await honest.probe();
    honest.begin();
    await sleep(options.baselineMs ?? 2_000, undefined, { signal }).catch(() => undefined);
    const baseline = await honest.end();
    const attack = await attackBeside(honest, attacker, options, signal);
    return { ...attack, baseline, answersAfter: await recovers(options) };
  } finally {
    honest.close();
    await attacker.end();
  }
}

/** Handlers that the attack has begun may still run for a while. */
const RECOVERY_MS = 10_000;

/** Whether the target answers an honest client that is new to it, and tries again for ten seconds. */
async function recovers(options: Pick<MeasurementOptions, 'target' | 'patterns'>): Promise<boolean> {
  const end = performance.now() + RECOVERY_MS;
  for (;;) {
    if (await answers(options)) {
      return true;
    }
    if (performance.now() > end) {
      return false;
    }
    await sleep(200);
  }
}

/** Whether the target answers an honest client that is new to it. */
export async function answers({ target, patterns }: Pick<MeasurementOptions, 'target' | 'patterns'>): Promise<boolean> {
  const client = new HonestClient({ target, pattern: patterns.echo, load: ORDINARY_LOAD });
  try {
    return await client.probe();
  } finally {
    client.close();
  }
}

async function attackBeside(
  honest: HonestClient,
  attacker: Attacker,
  options: MeasurementOptions,
  signal: AbortSignal,
): Promise<Pick<Measurement, 'memory' | 'attacked' | 'outcomes' | 'stopped'>> {
  const { pid, attackTarget = options.target, stopAtBytes = HARD_CAPS.targetMemory } = options;
  const stop = stopSwitch(signal);
  let stopped = false;
  const warm = pid === undefined ? undefined : (await readMemory(pid))?.now;
  const rest = options.rest ?? warm;
  const onReading = (bytes: number): void => {
    if (bytes > Math.min(stopAtBytes, HARD_CAPS.targetMemory)) {
      stopped = true;
      stop.abort();
    }
  };
  const watch = pid === undefined ? undefined : await MemoryWatch.start(pid, onReading);
  const { attacks, patterns, milliseconds, socketType = 'DEALER' } = options;
  const order = { attacks, ...attackTarget, socketType, patterns, milliseconds, caps: HARD_CAPS };
  try {
    honest.begin();
    const outcomes = await attacker.attack(order, stop.signal);
    const attacked = await honest.end();
    await watch?.end();
    const memory =
      watch === undefined || rest === undefined || warm === undefined ? undefined : { rest, warm, peak: watch.peak };
    return { memory, attacked, outcomes, stopped };
  } finally {
    stop.abort();
    await watch?.end();
  }
}
