import { isObservable, Subscriber, type Observable, type Subscription } from 'rxjs';
import { PullSource, isAsyncIterable } from './pull-source.js';

export interface ReplySourcesObserver {
  /** Whether a value would be taken now. Only what can be held back asks; `resume()` has it ask again. */
  ready(): boolean;
  value(value: unknown): void;
  failed(error: unknown): void;
  /** One of the sources has ended. */
  ended(): void;
}

/** Whether a handler's result gives its values one by one. */
export function isSource(result: unknown): result is Observable<unknown> | AsyncIterable<unknown> {
  return isObservable(result) || isAsyncIterable(result);
}

/** Where the values of one call come from: what the handler returned, and AsyncIterables that an Observable emits. */
export class ReplySources {
  private subscription: Subscription | undefined;
  private readonly pulls = new Set<PullSource>();
  private open = 0;
  private closed = false;

  constructor(private readonly observer: ReplySourcesObserver) {}

  /** Whether no more values can come. */
  get exhausted(): boolean {
    return this.open === 0;
  }

  start(source: Observable<unknown> | AsyncIterable<unknown>): void {
    if (isObservable(source)) {
      this.subscribe(source);
    } else {
      this.pull(source);
    }
  }

  /** Values are wanted again. */
  resume(): void {
    for (const source of this.pulls) {
      source.resume();
    }
  }

  close(): void {
    this.closed = true;
    unsubscribe(this.subscription);
    for (const source of this.pulls) {
      void source.close();
    }
  }

  private subscribe(source: Observable<unknown>): void {
    this.open++;
    // Kept before the source starts: one that emits in that moment, perhaps without end, must be stoppable already.
    const subscriber = new Subscriber<unknown>({
      next: value => this.next(value),
      error: (error: unknown) => this.observer.failed(error),
      complete: () => this.end(),
    });
    this.subscription = subscriber;
    source.subscribe(subscriber);
  }

  /** Nest's interceptors hand on an AsyncIterable as the one value of an Observable. */
  private next(value: unknown): void {
    try {
      if (isAsyncIterable(value)) {
        this.pull(value);
      } else {
        this.observer.value(value);
      }
    } catch (error) {
      // A ReadableStream that somebody else reads, say, gives no iterator.
      this.observer.failed(error);
    }
  }

  private pull(iterable: AsyncIterable<unknown>): void {
    const source = new PullSource(iterable);
    if (this.closed) {
      void source.close();
      return;
    }
    this.open++;
    this.pulls.add(source);
    source.start({
      ready: () => this.observer.ready(),
      next: value => this.observer.value(value),
      error: error => this.observer.failed(error),
      complete: () => {
        this.pulls.delete(source);
        this.end();
      },
    });
  }

  private end(): void {
    this.open--;
    this.observer.ended();
  }
}

/** A clean-up of the handler's own that fails must not take anything else with it. */
function unsubscribe(subscription: Subscription | undefined): void {
  try {
    subscription?.unsubscribe();
  } catch {
    // The caller has gone or has its error already.
  }
}
