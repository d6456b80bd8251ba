import { Observable } from 'rxjs';

interface SubscriberLimitOptions {
  readonly maxSubscribers: number;
  /** The error that one subscriber too many gets. */
  readonly refusal: () => Error;
}

/** Caps how many subscribers streams have at a time; who comes beyond that gets an error instead of the stream. */
export class SubscriberLimit {
  private subscribers = 0;

  constructor(private readonly options: SubscriberLimitOptions) {}

  /** The same stream, each subscription to which counts until it ends. */
  apply<T>(stream: Observable<T>): Observable<T> {
    return new Observable<T>(subscriber => {
      if (this.subscribers >= this.options.maxSubscribers) {
        subscriber.error(this.options.refusal());
        return;
      }
      this.subscribers += 1;
      subscriber.add(() => (this.subscribers -= 1));
      stream.subscribe(subscriber);
    });
  }
}
