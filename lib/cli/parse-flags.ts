import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ZmqException } from '../errors/zmq.exception.js';
import { parseBytes } from '../options/bytes.js';
import { UsageError } from './usage-error.js';

type FlagTable = NonNullable<ParseArgsConfig['options']>;
type Flags<T extends FlagTable> = ReturnType<typeof parseArgs<{ args: string[]; options: T; strict: true }>>['values'];

/** A flag with a text behind it, and one that stands alone. */
export const TEXT = { type: 'string' } as const;
export const FLAG = { type: 'boolean', default: false } as const;

/**
 * Reads the flags of a command. Words that belong to no flag are refused.
 *
 * @throws {@link UsageError} that names the option.
 */
export function parseFlags<const T extends FlagTable>(args: readonly string[], options: T): Flags<T> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node's own texts name the option, but go on with advice on how to pass positional arguments.
    throw new UsageError((error as Error).message.split('. ')[0]?.replace(/\.?$/, '.') ?? 'Unknown option.');
  }
}

export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

/** @throws {@link UsageError} that names the option. */
export function numberFlag(text: string | undefined, flag: string, bounds: NumberBounds): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const { min, max, whole = false } = bounds;
  if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
    throw new UsageError(`--${flag} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, but is '${text}'.`);
  }
  return value;
}

/** @throws {@link UsageError} that names the option. */
export function bytesFlag(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) {
    return undefined;
  }
  try {
    return parseBytes(/^\d+$/.test(text) ? Number(text) : text, `--${flag}`);
  } catch (error) {
    throw error instanceof ZmqException ? new UsageError(error.message) : error;
  }
}
