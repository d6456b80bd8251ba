import { Injectable, Logger } from '@nestjs/common';
import { Subject, type Observable } from 'rxjs';
import { textOf } from '../errors/text-of.js';
import type { ZmqViolation } from '../limits/violation.js';
import { SampledLog } from '../monitoring/sampled-log.js';
import type { ZmqDenial } from '../server/denial-reports.js';
import type { ZmqOverload } from '../server/load-shedding.js';
import type { ServerZmq } from '../server/server-zmq.js';

/** One limit has been changed while the server ran. */
export interface ZmqLimitChange {
  /** Name of the limit, e.g. `limits.maxMessageSize` or `handlers.telemetry.ingest.rateLimit`. */
  readonly limit: string;
  readonly from: unknown;
  readonly to: unknown;
  /** Who changed it, as told to `ZmqLimits.change()`. */
  readonly by: string | undefined;
  readonly at: Date;
}

/** The store that counts rates across processes cannot be reached, or can be again. */
export interface ZmqRateLimitStoreChange {
  readonly isAway: boolean;
  readonly error?: Error;
}

/** What happens to the servers of an application, for whoever wants to know: inject it. Nothing is kept for who comes later. */
@Injectable()
export class ZmqEvents {
  private readonly log = new SampledLog<'listener'>(new Logger('ZmqEvents'));
  private readonly violationSubject = new Subject<ZmqViolation>();
  private readonly denialSubject = new Subject<ZmqDenial>();
  private readonly overloadSubject = new Subject<ZmqOverload>();
  private readonly limitChangeSubject = new Subject<ZmqLimitChange>();
  private readonly storeSubject = new Subject<ZmqRateLimitStoreChange>();

  /** Limits that peers broke: of each kind and address one a second at most. */
  readonly violations: Observable<ZmqViolation> = this.violationSubject.asObservable();
  /** Peers asked for what they may not call: of each peer, pattern and kind one a second at most, with the number of them. */
  readonly denials: Observable<ZmqDenial> = this.denialSubject.asObservable();
  /** A server begins to refuse requests because its process has too much to do, or ends it. */
  readonly overloads: Observable<ZmqOverload> = this.overloadSubject.asObservable();
  /** What was changed through `ZmqLimits`. */
  readonly limitChanges: Observable<ZmqLimitChange> = this.limitChangeSubject.asObservable();
  /** The store for shared rates is away, or is back. */
  readonly rateLimitStore: Observable<ZmqRateLimitStoreChange> = this.storeSubject.asObservable();

  /** @internal */
  watch(server: ServerZmq): void {
    server.on('violation', violation => this.violationSubject.next(violation));
    server.on('denied', denial => this.denialSubject.next(denial));
    server.on('overload', overload => this.overloadSubject.next(overload));
  }

  /** @internal */
  limitChanged(change: ZmqLimitChange): void {
    this.limitChangeSubject.next(change);
  }

  /** @internal */
  storeChanged(change: ZmqRateLimitStoreChange): void {
    this.storeSubject.next(change);
  }

  /**
   * Calls a listener with violations of these kinds, or of all if there are none. One that fails harms nothing but itself.
   *
   * @internal
   */
  call(listener: (violation: ZmqViolation) => unknown, kinds: readonly string[] = []): void {
    this.violations.subscribe(violation => {
      if (kinds.length === 0 || kinds.includes(violation.kind)) {
        void this.callSafely(listener, violation);
      }
    });
  }

  /** @internal */
  close(): void {
    this.violationSubject.complete();
    this.denialSubject.complete();
    this.overloadSubject.complete();
    this.limitChangeSubject.complete();
    this.storeSubject.complete();
  }

  private async callSafely(listener: (violation: ZmqViolation) => unknown, violation: ZmqViolation): Promise<void> {
    try {
      await listener(violation);
    } catch (error) {
      this.log.warn('listener', () => `A listener of violations failed: ${textOf(error)}`);
    }
  }
}
