import fc from 'fast-check';
import { keep, readCorpus } from './corpus.js';
import { TARGET_NAMES, TARGETS, type TargetName } from './all-targets.js';
import type { FuzzTarget } from './fuzz-target.js';
import { mutate } from './mutator.js';
import { check } from './oracle.js';
import { Random } from './random.js';

const BATCH = 200;
const MAX_POOL = 2_000;
const REPORT_MS = 30_000;

export interface FuzzRun {
  readonly target: TargetName;
  readonly seconds: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface FuzzResult {
  readonly executions: number;
  readonly failures: readonly { readonly path: string; readonly error: unknown }[];
}

/** Feeds one target for so long, by turns with what fast-check makes and with mutations of that and of the corpus. */
export async function fuzzTarget({ target: name, seconds, seed, print }: FuzzRun): Promise<FuzzResult> {
  const target = TARGETS[name];
  const random = new Random(seed);
  const pool = [...target.seeds(), ...readCorpus(name).map(({ data }) => data)];
  const failures: { path: string; error: unknown }[] = [];
  const end = performance.now() + seconds * 1000;
  let executions = 0;
  let reportAt = performance.now() + REPORT_MS;
  while (performance.now() < end && failures.length < 10) {
    for (const data of batch(target, pool, random)) {
      executions++;
      try {
        await check(target, data);
      } catch (error) {
        const path = keep(name, 'failure', data);
        failures.push({ path, error });
        print(`${name}: ${String(error)}, kept as ${path}`);
        break;
      }
    }
    if (performance.now() > reportAt) {
      reportAt += REPORT_MS;
      print(`${name}: ${executions} executions`);
    }
  }
  print(`${name}: ${executions} executions, ${failures.length} failures (seed ${seed})`);
  return { executions, failures };
}

function batch(target: FuzzTarget, pool: Buffer[], random: Random): Buffer[] {
  const made = fc.sample(target.arbitrary, { numRuns: BATCH / 4, seed: random.next() | 0 });
  const mutated = Array.from({ length: BATCH }, () => mutate([...made, ...pool], random, target.maxBytes));
  // Mutations of mutations wander further than one step can.
  pool.push(...mutated.slice(0, 2));
  if (pool.length > MAX_POOL) {
    pool.splice(random.below(pool.length - 2), 2);
  }
  return [...made, ...mutated];
}

/** `[--seconds 60] [--target name] [--seed 1] [--write-seeds]`; the exit status tells whether something was found. */
export async function main(args: readonly string[]): Promise<number> {
  const valueOf = (flag: string) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
  const only = valueOf('--target');
  const targets = TARGET_NAMES.filter(name => only === undefined || name === only);
  if (targets.length === 0) {
    console.error(`There is no target '${only}'. Targets: ${TARGET_NAMES.join(', ')}`);
    return 2;
  }
  if (args.includes('--write-seeds')) {
    for (const name of targets) {
      TARGETS[name].seeds().forEach(data => keep(name, 'seed', data));
    }
    return 0;
  }
  const seconds = Number(valueOf('--seconds') ?? 60) / targets.length;
  const seed = Number(valueOf('--seed') ?? Date.now() % 2 ** 31);
  let found = 0;
  for (const target of targets) {
    const { failures } = await fuzzTarget({ target, seconds, seed, print: line => console.log(line) });
    found += failures.length;
  }
  return found === 0 ? 0 : 1;
}
