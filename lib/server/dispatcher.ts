import { MESSAGES } from '@nestjs/core/constants.js';
import type { Observable } from 'rxjs';
import type { DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ServerCounters } from '../monitoring/server-counters.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { NOT_ALLOWED } from '../pipeline/access-refusal.js';
import { ZmqContext } from '../pipeline/zmq.context.js';
import type { Access } from './access.js';
import { Call, type CallHost, type IncomingRequest } from './call.js';
import type { IncomingEvent, Invoker } from './invoker.js';
import type { LateRates } from './late-rates.js';
import { isSource, ReplySources } from './reply-sources.js';
import type { Slots } from './slots.js';

export type ProcessingHooks = (context: ZmqContext, run: (end: () => void) => Promise<void>) => unknown;

export interface DispatcherOptions {
  readonly invoker: Invoker;
  readonly access: Access;
  readonly rates: LateRates;
  readonly maxStreams: number;
  readonly streamBuffer: number;
  readonly slots: Slots;
  readonly wheel: DeadlineWheel;
  readonly counters: ServerCounters;
  /** Nest's processing hooks around the handling of one message; `undefined` while none are set. */
  readonly hooks: () => ProcessingHooks | undefined;
  /** An event's handler failed in a way that Nest has not reported. */
  readonly onEventError: (pattern: string, error: unknown) => void;
}

/** Hands requests and events that have been admitted to their handlers. */
export class Dispatcher implements CallHost {
  readonly wheel: DeadlineWheel;
  streamBuffer: number;
  private maxStreams: number;
  private openStreams = 0;
  /** What stops the Observables and AsyncIterables that events' handlers have returned. */
  private readonly eventSources = new Set<() => void>();

  constructor(private readonly options: DispatcherOptions) {
    this.wheel = options.wheel;
    this.streamBuffer = options.streamBuffer;
    this.maxStreams = options.maxStreams;
  }

  /** Other limits from now on, for streams that are open as well. */
  adjust({ maxStreams, streamBuffer }: Pick<DispatcherOptions, 'maxStreams' | 'streamBuffer'>): void {
    this.maxStreams = maxStreams;
    this.streamBuffer = streamBuffer;
  }

  get streams(): number {
    return this.openStreams;
  }

  request(incoming: IncomingRequest): void {
    const { peer, id, timeoutMs, route } = incoming;
    const context = this.contextOf(incoming, timeoutMs);
    const call = new Call(this, incoming, context);
    peer.calls.set(id, call);
    this.begin(incoming);
    this.options.counters.requests++;
    if (timeoutMs > 0) {
      this.wheel.add(call, timeoutMs);
    }
    if (route === undefined) {
      call.start();
    } else {
      route.enter(call);
    }
  }

  run(call: Call): void {
    const { context } = call;
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
    const { route } = incoming;
    this.begin(incoming);
    this.options.counters.events++;
    const finish = () => {
      // First, as the end lets in what waits outside, which must not find a place taken that is free.
      route?.leave();
      this.end(incoming);
      done();
    };
    const start = () => this.runEvent(incoming, finish);
    if (route === undefined) {
      start();
    } else {
      route.enter({ start });
    }
  }

  /** Ends what events have set going. */
  stopEvents(): void {
    for (const stop of this.eventSources) {
      stop();
    }
  }

  openStream(): boolean {
    if (this.openStreams >= this.maxStreams) {
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
    if (call.isStarted) {
      call.request.route?.leave();
    }
    this.end(call.request);
  }

  undelivered(): void {
    this.options.counters.undelivered++;
  }

  cancelled(): void {
    this.options.counters.cancelled++;
  }

  private runEvent(incoming: IncomingEvent, finish: () => void): void {
    const context = this.contextOf(incoming, 0);
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

  private begin({ peer, size }: IncomingEvent): void {
    this.options.slots.take(peer.account.usage);
    peer.account.charge(size);
  }

  private end({ peer, size }: IncomingEvent): void {
    peer.account.release(size);
    this.options.slots.release(peer.account.usage);
  }

  private async serve(call: Call): Promise<void> {
    try {
      call.answer(await this.options.invoker.invoke(call.request, call.context));
    } catch (error) {
      call.handlerFailed(error);
    }
  }

  private async serveEvent(incoming: IncomingEvent, context: ZmqContext, finish: () => void): Promise<void> {
    try {
      const result = await this.options.invoker.invoke(incoming, context);
      if (isSource(result)) {
        await this.exhausted(result);
      }
    } catch (error) {
      if (!isReported(error)) {
        this.options.onEventError(incoming.pattern, error);
      }
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
          failed: error => reject(error),
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

  private contextOf(incoming: IncomingEvent, timeoutMs: number): ZmqContext {
    const { pattern, metadata, peer, sender, route, payloadSize } = incoming;
    const { access } = this.options;
    const context = new ZmqContext({
      pattern,
      metadata,
      peer: sender,
      deadline: timeoutMs > 0 ? Date.now() + timeoutMs : undefined,
    });
    context.onDenied = 'id' in incoming ? access.requestDenied : access.eventDenied;
    if (route?.limits.isGuarded === true) {
      context.countRates = () => this.options.rates.count(route, { peer, sender, payloadSize }, context);
    }
    return context;
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

/** Whether an error of an event is in the books already: a refusal, or what Nest has logged and made unrecognizable. */
function isReported(error: unknown): boolean {
  const { code, status, message } = (error ?? {}) as Partial<Record<string, unknown>>;
  const isForbidden = error === NOT_ALLOWED || (error instanceof ZmqException && code === NOT_ALLOWED.code);
  return (
    isForbidden || code === 'RATE_LIMITED' || (status === 'error' && message === MESSAGES.UNKNOWN_EXCEPTION_MESSAGE)
  );
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
