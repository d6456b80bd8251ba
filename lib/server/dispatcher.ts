import type { Deserializer, MessageHandler } from '@nestjs/microservices';
import { isObservable, type Observable } from 'rxjs';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ByteBudget } from '../limits/byte-budget.js';
import type { DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ServerCounters } from '../monitoring/server-counters.js';
import { runInCallScope } from '../pipeline/call-scope.js';
import { ZmqContext } from '../pipeline/zmq.context.js';
import { routeOf } from '../wire/pattern.js';
import { Call, type CallHost, type IncomingRequest } from './call.js';
import { isSource, ReplySources } from './reply-sources.js';
import type { Slots } from './slots.js';

export type ProcessingHooks = (context: ZmqContext, run: (end: () => void) => Promise<void>) => unknown;

export interface DispatcherOptions {
  readonly handlers: ReadonlyMap<string, MessageHandler>;
  readonly deserializer: Deserializer | undefined;
  readonly maxStreams: number;
  readonly streamBuffer: number;
  readonly slots: Slots;
  readonly budget: ByteBudget;
  readonly wheel: DeadlineWheel;
  readonly counters: ServerCounters;
  /** Nest's processing hooks around the handling of one message; `undefined` while none are set. */
  readonly hooks: () => ProcessingHooks | undefined;
  /** An event's handler failed in a way that Nest has not reported. */
  readonly onEventError: (pattern: string, error: unknown) => void;
}

/** An event, or what a request has in common with it. */
export type IncomingEvent = Pick<IncomingRequest, 'peer' | 'pattern' | 'data' | 'metadata' | 'size'>;

/** Hands requests and events that have been admitted to their handlers. */
export class Dispatcher implements CallHost {
  readonly wheel: DeadlineWheel;
  readonly budget: ByteBudget;
  readonly streamBuffer: number;
  private openStreams = 0;
  /** What stops the Observables and AsyncIterables that events' handlers have returned. */
  private readonly eventSources = new Set<() => void>();

  constructor(private readonly options: DispatcherOptions) {
    this.wheel = options.wheel;
    this.budget = options.budget;
    this.streamBuffer = options.streamBuffer;
  }

  get streams(): number {
    return this.openStreams;
  }

  /** Whether a pattern has a handler, as far as that can be told before its message is deserialized. */
  knows(pattern: string): boolean {
    return this.options.deserializer !== undefined || this.options.handlers.has(pattern);
  }

  request(incoming: IncomingRequest): void {
    const { peer, id, timeoutMs } = incoming;
    const context = contextOf(incoming, timeoutMs);
    const call = new Call(this, incoming, context);
    peer.calls.set(id, call);
    this.begin(incoming.size);
    this.options.counters.requests++;
    if (timeoutMs > 0) {
      this.wheel.add(call, timeoutMs);
    }
    const hooks = this.options.hooks();
    if (hooks === undefined) {
      void this.serve(call);
      return;
    }
    runHooked(hooks, {
      context,
      work: async end => {
        if (call.begin(end)) {
          await this.serve(call);
        }
      },
      fail: error => call.handlerFailed(error),
    });
  }

  /** Handles an event; `done` is called when its handler has finished, whatever the outcome. */
  event(incoming: IncomingEvent, done: () => void): void {
    const context = contextOf(incoming, 0);
    this.begin(incoming.size);
    this.options.counters.events++;
    const finish = () => {
      this.end(incoming.size);
      done();
    };
    const hooks = this.options.hooks();
    if (hooks === undefined) {
      void this.serveEvent(incoming, context, finish);
      return;
    }
    const finishOnce = once(finish);
    runHooked(hooks, {
      context,
      work: async end => {
        try {
          await this.serveEvent(incoming, context, finishOnce);
        } finally {
          end();
        }
      },
      fail: error => {
        this.options.onEventError(incoming.pattern, error);
        finishOnce();
      },
    });
  }

  /** Ends what events have set going. */
  stopEvents(): void {
    for (const stop of this.eventSources) {
      stop();
    }
  }

  openStream(): boolean {
    if (this.openStreams >= this.options.maxStreams) {
      return false;
    }
    this.openStreams++;
    return true;
  }

  closeStream(): void {
    this.openStreams--;
    // What waited in the stream has been released.
    this.options.slots.progress();
  }

  released(call: Call): void {
    this.end(call.request.size);
  }

  undelivered(): void {
    this.options.counters.undelivered++;
  }

  cancelled(): void {
    this.options.counters.cancelled++;
  }

  private begin(size: number): void {
    this.options.slots.take();
    this.budget.charge(size);
  }

  private end(size: number): void {
    this.budget.release(size);
    this.options.slots.release();
  }

  private async serve(call: Call): Promise<void> {
    try {
      call.answer(await this.handle(call.request, call.context));
    } catch (error) {
      call.handlerFailed(error);
    }
  }

  private async serveEvent(incoming: IncomingEvent, context: ZmqContext, finish: () => void): Promise<void> {
    try {
      const result = await this.handle(incoming, context);
      if (isSource(result)) {
        await this.exhausted(result);
      }
    } catch (error) {
      this.options.onEventError(incoming.pattern, error);
    }
    finish();
  }

  /** Runs what an event's handler returned to its end: a cold Observable does nothing unless subscribed. */
  private async exhausted(result: Observable<unknown> | AsyncIterable<unknown>): Promise<void> {
    let stop: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const sources: ReplySources = new ReplySources({
          ready: () => true,
          value: () => undefined,
          // Nest's exception handler has reported the error of an Observable already.
          failed: error => (isObservable(result) ? resolve() : reject(error)),
          ended: () => sources.exhausted && resolve(),
        });
        stop = () => {
          sources.close();
          resolve();
        };
        this.eventSources.add(stop);
        sources.start(result);
      });
    } finally {
      this.eventSources.delete(stop as () => void);
    }
  }

  private handle(incoming: IncomingEvent, context: ZmqContext): unknown {
    const handler =
      this.options.deserializer === undefined
        ? this.options.handlers.get(incoming.pattern)
        : this.deserializing(incoming);
    if (handler === undefined) {
      throw noHandler(incoming.pattern);
    }
    return runInCallScope(context.deadline, () => handler(incoming.data, context));
  }

  /** A deserializer of the user's own may change everything, even the pattern, and may take its time. */
  private deserializing(incoming: IncomingEvent): MessageHandler {
    return async (_data, context) => {
      const { pattern, data, metadata } = incoming;
      const packet: unknown = await this.options.deserializer?.deserialize({
        pattern,
        data,
        ...(metadata !== undefined && { metadata }),
        ...('id' in incoming && { id: incoming.id }),
      });
      if ((context as ZmqContext).signal.aborted) {
        // Nobody waits for it any more.
        return undefined;
      }
      const { pattern: target, data: payload, metadata: revised } = packet as Partial<IncomingEvent>;
      const route = routeOf(target) ?? pattern;
      (context as ZmqContext).revise(route, revised);
      const handler = this.options.handlers.get(route);
      if (handler === undefined) {
        throw noHandler(route);
      }
      return handler(payload, context);
    };
  }
}

interface HookedWork {
  readonly context: ZmqContext;
  readonly work: (end: () => void) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

function runHooked(hooks: ProcessingHooks, { context, work, fail }: HookedWork): void {
  try {
    // Nest declares the result of its hooks as void, but passes the promise of what they run through.
    const running = hooks(context, work);
    if (running instanceof Promise) {
      void running.catch(fail);
    }
  } catch (error) {
    fail(error);
  }
}

export function noHandler(pattern: string): ZmqException {
  return new ZmqException('NO_HANDLER', 'There is no matching message handler defined in the remote service.', {
    details: { pattern: pattern.slice(0, 100) },
  });
}

function contextOf({ pattern, metadata, peer }: IncomingEvent, timeoutMs: number): ZmqContext {
  return new ZmqContext({
    pattern,
    metadata,
    peer: peer.identity,
    deadline: timeoutMs > 0 ? Date.now() + timeoutMs : undefined,
  });
}

function once(callback: () => void): () => void {
  let called = false;
  return () => {
    if (!called) {
      called = true;
      callback();
    }
  };
}
