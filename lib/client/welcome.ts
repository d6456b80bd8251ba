import { SESSION_LIMITS } from '../wire/wire-limits.js';

/** What a server tells a client at the start of a session. */
export interface Welcome {
  /** Changes whenever the server process starts anew. */
  readonly server: string;
  readonly encodings: readonly string[];
  readonly limits: {
    readonly maxMessageSize: number;
    readonly maxBatchPackets: number;
    readonly maxPatternLength: number;
    readonly maxMetadataSize: number;
    /** Bytes of events that may be on the way. */
    readonly eventWindow: number;
  };
  /** Bytes of a payload for routes with a smaller limit of their own; `undefined` if there are none. */
  readonly maxSizes: ReadonlyMap<string, number> | undefined;
}

/** Handlers whose own limit is kept. The server itself refuses what is too large for the others. */
const MAX_SIZES = 1_024;

/** Bounds of decoding a welcome: an entry of `maxSizes` takes two tokens. */
export const WELCOME_LIMITS = { ...SESSION_LIMITS, maxTokens: SESSION_LIMITS.maxTokens + 2 * MAX_SIZES } as const;

/** The least that each limit may be: a server may take no metadata, but one that takes nothing else is none. */
const LEAST = { maxMessageSize: 1, maxBatchPackets: 1, maxPatternLength: 1, maxMetadataSize: 0, eventWindow: 1 };

/** Reads a welcome; `undefined` if it is none. */
export function readWelcome(value: unknown): Welcome | undefined {
  const { version, server, encodings, limits } = (value ?? {}) as Record<string, unknown>;
  const given = (limits ?? {}) as Record<string, unknown>;
  const isWelcome =
    version === 1 &&
    typeof server === 'string' &&
    Array.isArray(encodings) &&
    Object.entries(LEAST).every(
      ([name, least]) => Number.isSafeInteger(given[name]) && (given[name] as number) >= least,
    );
  return isWelcome
    ? ({ server, encodings, limits: given, maxSizes: readSizes(given['maxSizes']) } as unknown as Welcome)
    : undefined;
}

/** Leaves out what makes no sense: a server that says too much must stay usable. */
function readSizes(value: unknown): ReadonlyMap<string, number> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return undefined;
  }
  const entries = Object.entries(value)
    .filter((entry): entry is [string, number] => Number.isSafeInteger(entry[1]) && entry[1] >= 0)
    .slice(0, MAX_SIZES);
  return entries.length === 0 ? undefined : new Map(entries);
}
