/**
 * A map of at most `maxKeys` keys (at least 2) that makes room by itself: about the half that was not asked for longest
 * leaves at once, so that nothing has to be swept, ordered or timed. The `maxKeys / 2` keys used last are always there.
 */
export class GenerationMap<V> {
  private young = new Map<string, V>();
  private old = new Map<string, V>();
  private maxYoung = 1;

  constructor(maxKeys: number) {
    this.maxKeys = maxKeys;
  }

  /** Another bound from the next new key on; what is too much by it leaves with the two generations that there are. */
  set maxKeys(maxKeys: number) {
    this.maxYoung = Math.max(1, Math.floor(maxKeys / 2));
  }

  get size(): number {
    return this.young.size + this.old.size;
  }

  get(key: string): V | undefined {
    return this.young.get(key) ?? this.recall(key);
  }

  set(key: string, value: V): void {
    if (!this.young.has(key)) {
      this.old.delete(key);
      this.makeRoom();
    }
    this.young.set(key, value);
  }

  delete(key: string): void {
    this.young.delete(key);
    this.old.delete(key);
  }

  clear(): void {
    this.young.clear();
    this.old.clear();
  }

  private recall(key: string): V | undefined {
    const value = this.old.get(key);
    if (value !== undefined) {
      this.set(key, value);
    }
    return value;
  }

  private makeRoom(): void {
    if (this.young.size >= this.maxYoung) {
      this.old = this.young;
      this.young = new Map();
    }
  }
}
