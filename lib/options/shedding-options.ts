import { describe, type Bytes } from './bytes.js';
import { byteSize, fraction, invalid, milliseconds, resolveFields, type Field, type Resolved } from './fields.js';

/**
 * When a server takes no new requests because its process has more to do than it can. Two looks in a row above one
 * threshold begin it; it ends when all measures are below `recovery` of their thresholds.
 */
export interface ZmqSheddingOptions {
  /** Milliseconds by which the event loop may be late on average, 10 to 3,600,000. @defaultValue 500 */
  readonly eventLoopDelay?: number;
  /** Part of V8's heap limit that may be in use, 0.1 to 1; 1 for no bound. @defaultValue 0.9 */
  readonly heap?: number;
  /** Bytes of resident memory, 1 MB to 1 TB; no bound unless given. */
  readonly rss?: Bytes;
  /** Part of a threshold below which new requests are taken again, 0.1 to 1. @defaultValue 0.8 */
  readonly recovery?: number;
  /** Milliseconds between two looks, 50 to 60,000. @defaultValue 250 */
  readonly interval?: number;
}

const MEBI = 1024 ** 2;

const rss = byteSize({ min: MEBI, max: MEBI ** 2, fallback: 0 });

const SHEDDING_FIELDS = {
  eventLoopDelay: milliseconds({ min: 10, max: 3_600_000, fallback: 500 }),
  heap: fraction({ min: 0.1, max: 1, fallback: 0.9 }),
  rss: ((value, option) => (value === undefined ? undefined : rss(value, option))) as Field<number | undefined>,
  recovery: fraction({ min: 0.1, max: 1, fallback: 0.8 }),
  interval: milliseconds({ min: 50, max: 60_000, fallback: 250 }),
};

export type ResolvedSheddingOptions = Resolved<typeof SHEDDING_FIELDS>;

/** The group `shedding` of a server's options; `false` switches it off. */
export const sheddingOptions: Field<ResolvedSheddingOptions | false> = (value, option) => {
  if (value === false) {
    return false;
  }
  if (value !== undefined && typeof value !== 'object') {
    throw invalid(
      `${option} must be false or { ${Object.keys(SHEDDING_FIELDS).join(', ')} }, but is ${describe(value)}.`,
    );
  }
  return resolveFields(value, SHEDDING_FIELDS, option);
};
