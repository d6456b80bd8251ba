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
}

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
  return isWelcome ? ({ server, encodings, limits: given } as unknown as Welcome) : undefined;
}
