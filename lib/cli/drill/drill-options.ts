import { bytesFlag, FLAG, numberFlag, parseFlags, TEXT } from '../parse-flags.js';
import { UsageError } from '../usage-error.js';
import type { Attack, TargetPatterns } from './attack.js';
import { attacksNamed, CATALOGUE } from './catalogue.js';
import { HARD_CAPS } from './hard-caps.js';
import type { TargetFiles } from './target.js';

export interface DrillOptions {
  readonly target: string;
  /** Of a `tls://` target. */
  readonly tls: TargetFiles | undefined;
  readonly attacks: readonly Attack[];
  readonly milliseconds: number;
  readonly pid: number | undefined;
  readonly json: boolean;
  readonly budget: number;
  readonly patterns: TargetPatterns;
}

const DEFAULT_SECONDS = 5;
const DEFAULT_BUDGET = 64 * 1024 ** 2;
/** The largest process id of any system that this runs on. */
const MAX_PID = 2 ** 31 - 1;

/**
 * Reads the command line of `drill`.
 *
 * @returns 'help' if that is what is asked for
 * @throws {@link UsageError} that names the option.
 */
export function parseDrillOptions(args: readonly string[]): DrillOptions | 'help' {
  const flags = parseFlags(args, {
    target: TEXT,
    ca: TEXT,
    cert: TEXT,
    key: TEXT,
    attack: { type: 'string', multiple: true },
    seconds: TEXT,
    pid: TEXT,
    budget: TEXT,
    pattern: TEXT,
    'slow-pattern': TEXT,
    'burn-pattern': TEXT,
    'whoami-pattern': TEXT,
    json: FLAG,
    help: { ...FLAG, short: 'h' },
  });
  if (flags.help) {
    return 'help';
  }
  if (flags.target === undefined) {
    throw new UsageError('--target is missing: the endpoint of the service, such as tcp://127.0.0.1:5555.');
  }
  const seconds = numberFlag(flags.seconds, 'seconds', { min: 1, max: HARD_CAPS.seconds }) ?? DEFAULT_SECONDS;
  const pid = numberFlag(flags.pid, 'pid', { min: 1, max: MAX_PID, whole: true });
  const echo = flags.pattern ?? 'echo';
  const tls = filesOf(flags, flags.target);
  return {
    target: flags.target,
    tls,
    attacks: chosenAttacks(flags.attack, tls !== undefined),
    milliseconds: seconds * 1_000,
    pid,
    json: flags.json,
    budget: bytesFlag(flags.budget, 'budget') ?? DEFAULT_BUDGET,
    patterns: {
      echo,
      slow: flags['slow-pattern'] ?? echo,
      burn: flags['burn-pattern'] ?? echo,
      whoami: flags['whoami-pattern'] ?? echo,
    },
  };
}

type FileFlags = Readonly<Partial<Record<'ca' | 'cert' | 'key', string | undefined>>>;

function filesOf({ ca, cert, key }: FileFlags, target: string): TargetFiles | undefined {
  if (!target.startsWith('tls:')) {
    const [given] = Object.entries({ ca, cert, key }).find(([, file]) => file !== undefined) ?? [];
    if (given !== undefined) {
      throw new UsageError(`--${given} is for tls:// targets, but --target is '${target}'.`);
    }
    return undefined;
  }
  return {
    ...(ca !== undefined && { caFile: ca }),
    ...(cert !== undefined && { certFile: cert }),
    ...(key !== undefined && { keyFile: key }),
  };
}

function chosenAttacks(given: readonly string[] | undefined, isTls: boolean): readonly Attack[] {
  if (given === undefined) {
    return CATALOGUE.filter(({ isForTls = false }) => isTls || !isForTls);
  }
  const chosen = given
    .flatMap(list => list.split(','))
    .flatMap(name => {
      const attacks = attacksNamed(name);
      if (attacks.length === 0) {
        throw new UsageError(`--attack knows no '${name}', only ${CATALOGUE.map(({ id }) => id).join(', ')}.`);
      }
      const [tlsOnly] = attacks.filter(({ isForTls = false }) => isForTls && !isTls);
      if (tlsOnly !== undefined) {
        throw new UsageError(`--attack ${tlsOnly.id} is for tls:// targets.`);
      }
      return attacks;
    });
  return [...new Set(chosen)];
}
