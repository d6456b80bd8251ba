/** Bounds of decoding. Whatever exceeds one is {@link Malformed}, except a payload above `maxMessageSize` (see there). */
export interface WireLimits {
  /**
   * Bytes of one payload. Decoders leave the check to their caller, who can answer `PAYLOAD_TOO_LARGE` with the limit
   * in it, since the size is known before a byte is decoded.
   */
  readonly maxMessageSize: number;
  /** Packets in one ZeroMQ message. */
  readonly maxBatchPackets: number;
  /** Bytes of a pattern, at most {@link MAX_PATTERN_BYTES}. */
  readonly maxPatternLength: number;
  /** Bytes of the metadata as JSON, at most {@link MAX_METADATA_BYTES}. */
  readonly maxMetadataSize: number;
  /** Objects and arrays within one another in a payload. */
  readonly maxDepth: number;
  /** JSON: `{`, `[`, `,` and `:` outside strings. MessagePack: values and keys. */
  readonly maxTokens: number;
  /** Characters of one number in JSON. */
  readonly maxNumberLength: number;
}

/** Bytes of a pattern that the format can carry (its length is a u16). */
export const MAX_PATTERN_BYTES = 0xffff;
/** Bytes of metadata that the format can carry (its length is a u16). */
export const MAX_METADATA_BYTES = 0xffff;

/** Bounds of what both sides say of themselves, which is not to be cut by what the user allows in payloads. */
export const SESSION_LIMITS = { maxDepth: 8, maxTokens: 1_000, maxNumberLength: 64 } as const;
