/** Values taken out before the queue is made shorter. */
const COMPACT_FROM = 256;

/** The values of a stream on their way to a `for await` loop. What fills it stays within the stream's window. */
export class ValueQueue<T> implements AsyncIterableIterator<T> {
  private values: T[] = [];
  private head = 0;
  private ended = false;
  private failure: { readonly error: unknown } | undefined;
  private waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void }[] = [];

  constructor(
    private readonly events: {
      /** The first value is asked for. */
      readonly onStart: () => void;
      /** A value has been taken out. */
      readonly onTaken: () => void;
      /** The loop has been left early. */
      readonly onReturn: () => void;
    },
  ) {}

  private started = false;

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(value: T): void {
    if (this.ended) {
      return;
    }
    const reader = this.waiting.shift();
    if (reader === undefined) {
      this.values.push(value);
    } else {
      reader.resolve({ value, done: false });
      this.events.onTaken();
    }
  }

  end(): void {
    this.ended = true;
    for (const { resolve } of this.waiting.splice(0)) {
      resolve({ value: undefined, done: true });
    }
  }

  /** Values that came before the error are still given out. */
  fail(error: unknown): void {
    if (this.ended) {
      return;
    }
    const reader = this.waiting.shift();
    if (reader === undefined) {
      this.failure = { error };
    } else {
      reader.reject(error);
    }
    this.end();
  }

  async next(): Promise<IteratorResult<T>> {
    if (!this.started) {
      this.started = true;
      this.events.onStart();
    }
    if (this.head < this.values.length) {
      const value = this.values[this.head++] as T;
      // A queue that is never quite empty must not keep what has been taken.
      if (this.head === this.values.length || this.head >= COMPACT_FROM) {
        this.values = this.values.slice(this.head);
        this.head = 0;
      }
      this.events.onTaken();
      return { value, done: false };
    }
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;
      throw error;
    }
    if (this.ended) {
      return { value: undefined, done: true };
    }
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<T>> {
    this.values = [];
    this.head = 0;
    this.failure = undefined;
    this.started = true;
    this.end();
    this.events.onReturn();
    return { value: undefined, done: true };
  }
}
