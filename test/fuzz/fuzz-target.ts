import type fc from 'fast-check';

/** What is fed with bytes of any kind. Modules in `targets/` also export `fuzz` by itself, as fuzzers of coverage want it. */
export interface FuzzTarget {
  /** Throws, or rejects, where something is wrong. */
  fuzz(data: Buffer): void | Promise<void>;
  /** Bytes that may be allocated: so many, and so many for each byte of the input. */
  readonly allocation: { readonly base: number; readonly factor: number };
  /** Bytes of the longest input that is made. */
  readonly maxBytes: number;
  /** Inputs that have the right form. */
  readonly arbitrary: fc.Arbitrary<Buffer>;
  /** Inputs to begin with. */
  readonly seeds: () => Buffer[];
}
