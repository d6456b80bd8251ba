/**
 * What the drill never exceeds, whatever its flags say. It is made for a service of one's own on the same machine, and
 * must neither outlive its purpose nor take that machine down.
 */
export const HARD_CAPS = Object.freeze({
  /** Longest time of one attack. */
  seconds: 15,
  /** Connections of one attack open at a time. */
  openConnections: 2_000,
  /** Connections that one attack makes in all. */
  totalConnections: 50_000,
  /** Bytes that one attack sends in all. */
  bytes: 6 * 1024 ** 3,
  /** Memory of the attacked process at which an attack is stopped. */
  targetMemory: 6 * 1024 ** 3,
});

export interface Caps {
  readonly openConnections: number;
  readonly totalConnections: number;
  readonly bytes: number;
}
