import { RpcException } from '@nestjs/microservices';
import { concat, defer, type Observable, Subject } from 'rxjs';
import { SubscriberLimit } from '../limits/subscriber-limit.js';
import type { StoredReading } from './reading.js';

/**
 * Passes readings on to everybody who watches at the moment.
 *
 * Bounded: it keeps no reading itself, and refuses a watcher beyond `maxWatchers` with the code `OVERLOADED`. A watcher
 * that reads slowly is dealt with by the transport, which knows how much waits for it.
 */
export class LiveFeed {
  private readonly readings = new Subject<StoredReading>();
  private readonly watchers: SubscriberLimit;

  constructor({ maxWatchers }: { readonly maxWatchers: number }) {
    this.watchers = new SubscriberLimit({ maxSubscribers: maxWatchers, refusal: () => tooManyWatchers(maxWatchers) });
  }

  publish(reading: StoredReading): void {
    this.readings.next(reading);
  }

  /** Emits what `lastKnown` returns at the time of subscription, then each reading as it is published. */
  watch(lastKnown: () => StoredReading[]): Observable<StoredReading> {
    return this.watchers.apply(concat(defer(lastKnown), this.readings));
  }

  /** Completes every watcher's stream. */
  close(): void {
    this.readings.complete();
  }
}

function tooManyWatchers(limit: number): RpcException {
  const message = `No more than ${limit} watchers are served at a time`;
  return new RpcException({ code: 'OVERLOADED', message, details: { limit } });
}
