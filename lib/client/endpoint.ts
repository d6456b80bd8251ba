import type { ZmqException } from '../errors/zmq.exception.js';
import { systemClock, type Clock } from '../limits/clock.js';
import type { ResolvedClientOptions } from '../options/client-options.js';
import type { LossCode } from '../socket/client-socket.js';
import type { Parcel } from './client-request.js';
import type { ClientSession, ClientSessionListener } from './client-session.js';
import { growingDelay } from './growing-delay.js';

interface Loss {
  readonly reason: string;
  readonly returned: readonly Parcel[];
  readonly code: LossCode | undefined;
}

export interface EndpointEvents {
  /** A session has begun. */
  ready(endpoint: Endpoint): void;
  /** The session has ended or will; `returned` should be sent by another way. */
  unavailable(
    endpoint: Endpoint,
    why: { readonly reason: string; readonly wasReady: boolean },
    returned: readonly Parcel[],
  ): void;
  draining(endpoint: Endpoint): void;
  retrying(endpoint: Endpoint, delay: number): void;
  bounced(parcel: Parcel): void;
}

export interface EndpointFields {
  readonly address: string;
  readonly options: ResolvedClientOptions;
  readonly createSession: (address: string, listener: ClientSessionListener) => ClientSession;
  readonly events: EndpointEvents;
  readonly clock?: Clock;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** One address that a client keeps a session with: connects, and after a loss connects again with growing delays. */
export class Endpoint {
  readonly address: string;
  /** Why the last attempt or session ended. */
  lastFailure = 'no attempt was made';
  /** Of what kind that was, if trying again will not help. */
  lastCode: LossCode | undefined = undefined;
  private session: ClientSession | undefined;
  private isReady = false;
  private failures = 0;
  private stopTimer: (() => void) | undefined;
  private readonly clock: Clock;
  private readonly random: () => number;

  constructor(private readonly fields: EndpointFields) {
    this.address = fields.address;
    this.clock = fields.clock ?? systemClock;
    this.random = fields.random ?? Math.random;
  }

  /** The session to send through, if there is one that takes new requests. */
  get available(): ClientSession | undefined {
    return this.isReady ? this.session : undefined;
  }

  get current(): ClientSession | undefined {
    return this.session;
  }

  /** Connects unless that is under way. */
  start(): void {
    if (this.session === undefined && this.stopTimer === undefined) {
      this.attempt();
    }
  }

  /** Gives up for now; `start()` begins anew. */
  async stop(reason: ZmqException, linger: number): Promise<void> {
    this.stopTimer?.();
    this.stopTimer = undefined;
    const { session } = this;
    this.session = undefined;
    this.isReady = false;
    this.failures = 0;
    await session?.close(reason, linger);
  }

  private attempt(): void {
    const { createSession, options } = this.fields;
    this.stopTimer?.();
    let session: ClientSession;
    try {
      session = createSession(this.address, {
        ready: () => this.ready(session),
        draining: returned => this.drained(session, returned),
        bounced: parcel => this.fields.events.bounced(parcel),
        lost: (reason, returned, code) => this.lost(session, { reason, returned, code }),
      });
    } catch (error) {
      // ZeroMQ has no more sockets to give, say.
      this.lastFailure = error instanceof Error ? error.message : String(error);
      this.retryLater();
      return;
    }
    this.session = session;
    if (this.failures === 0) {
      this.lastFailure = 'no answer';
    }
    // A server that takes the connection but never answers the hello.
    this.stopTimer = this.clock.after(options.connectTimeout, () => {
      this.stopTimer = undefined;
      session.abandon(`no answer within ${options.connectTimeout} ms`);
    });
    session.open();
  }

  private ready(session: ClientSession): void {
    if (session === this.session) {
      this.stopTimer?.();
      this.stopTimer = undefined;
      this.isReady = true;
      this.failures = 0;
      this.fields.events.ready(this);
    }
  }

  private drained(session: ClientSession, returned: readonly Parcel[]): void {
    if (session === this.session) {
      this.isReady = false;
      this.lastFailure = 'the server is shutting down';
      this.fields.events.draining(this);
      this.fields.events.unavailable(this, { reason: this.lastFailure, wasReady: true }, returned);
    }
  }

  private lost(session: ClientSession, { reason, returned, code }: Loss): void {
    if (session !== this.session) {
      return;
    }
    const { isReady } = this;
    this.session = undefined;
    this.isReady = false;
    this.lastFailure = reason;
    this.lastCode = code;
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.retryLater();
    this.fields.events.unavailable(this, { reason, wasReady: isReady }, returned);
  }

  private retryLater(): void {
    const delay = growingDelay(this.fields.options.reconnect, this.failures, this.random);
    this.failures++;
    this.stopTimer = this.clock.after(delay, () => {
      this.stopTimer = undefined;
      this.attempt();
    });
    this.fields.events.retrying(this, Math.round(delay));
  }
}
