import { ZmqException } from '../errors/zmq.exception.js';
import type { ResolvedClientOptions } from '../options/client-options.js';
import type { ClientCounters, ZmqClientStats } from '../monitoring/client-counters.js';
import { ZmqStatus } from '../options/tokens.js';
import type { ZmqClientEvents } from './client-events.js';
import type { Parcel } from './client-request.js';
import type { ClientSession, ClientSessionListener } from './client-session.js';
import { Endpoint, type EndpointEvents } from './endpoint.js';
import { Parking } from './parking.js';

export interface ConnectorFields {
  readonly options: ResolvedClientOptions;
  readonly counters: ClientCounters;
  readonly createSession: (endpoint: string, listener: ClientSessionListener) => ClientSession;
  readonly emit: <E extends keyof ZmqClientEvents>(event: E, ...args: Parameters<ZmqClientEvents[E]>) => void;
  readonly onStatus: (status: ZmqStatus) => void;
}

/** One wait for the first session. */
interface Attempt {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: ZmqException) => void;
  readonly timer: NodeJS.Timeout;
}

/** Keeps the sessions with all endpoints and sends each parcel to the one with the fewest requests under way. */
export class Connector implements EndpointEvents {
  private readonly endpoints: readonly Endpoint[];
  private readonly parking: Parking;
  private readonly connected = Promise.resolve();
  private attempt: Attempt | undefined;
  /** Whether there has been a session since `connect()` or the last `close()`. */
  private wasConnected = false;

  constructor(private readonly fields: ConnectorFields) {
    const { options, createSession } = fields;
    const { outboxMessages, outboxSize } = options.limits;
    this.parking = new Parking({ maxParcels: outboxMessages, maxBytes: outboxSize });
    this.endpoints = options.connect.map(address => new Endpoint({ address, options, createSession, events: this }));
  }

  /** No getter: whoever prints all that those give would print what the sockets know. */
  unwrap(): readonly unknown[] {
    return this.endpoints.flatMap(({ current }) => (current === undefined ? [] : [current.unwrap()]));
  }

  /** What waits to be sent, or for a connection. */
  get queues(): Pick<ZmqClientStats, 'parked' | 'outboxPackets' | 'outboxBytes' | 'mostOutboxBytes'> {
    const { counters } = this.fields;
    let outboxPackets = 0;
    let outboxBytes = 0;
    for (const { current } of this.endpoints) {
      outboxPackets += current?.queue.packets ?? 0;
      outboxBytes += current?.queue.bytes ?? 0;
      counters.mostOutboxBytes = Math.max(counters.mostOutboxBytes, current?.queue.peakBytes ?? 0);
    }
    return { parked: this.parking.size, outboxPackets, outboxBytes, mostOutboxBytes: counters.mostOutboxBytes };
  }

  connect(): Promise<void> {
    if (this.pick() !== undefined) {
      return this.connected;
    }
    this.attempt ??= this.createAttempt();
    for (const endpoint of this.endpoints) {
      endpoint.start();
    }
    return this.attempt.promise;
  }

  /** Sends a parcel, or keeps it until there is a session. */
  send(parcel: Parcel): void {
    const session = this.pick();
    if (session !== undefined) {
      parcel.sendThrough(session);
      return;
    }
    if (!this.parking.add(parcel)) {
      this.fields.counters.refused++;
      parcel.refused(new ZmqException('BACKPRESSURE', 'Too much waits for a connection already.'), 'client');
      return;
    }
    // Whoever waits is failed by the attempt itself.
    void this.connect().catch(() => undefined);
  }

  /** Ends all sessions; requests without an answer, and all that waits for a connection, fail with `reason`. */
  async close(reason: ZmqException): Promise<void> {
    for (const parcel of this.parking.takeAll()) {
      parcel.fail(reason);
    }
    this.endAttempt()?.reject(reason);
    const { linger } = this.fields.options.socket;
    this.wasConnected = false;
    const stopped = this.endpoints.map(endpoint => endpoint.stop(reason, linger));
    // Told before the wait: whoever uses the client meanwhile connects it anew.
    this.fields.onStatus(ZmqStatus.DISCONNECTED);
    await Promise.all(stopped);
  }

  ready({ address }: Endpoint): void {
    this.wasConnected = true;
    this.endAttempt()?.resolve();
    this.fields.onStatus(ZmqStatus.CONNECTED);
    this.fields.emit('connect', address);
    for (const parcel of this.parking.takeAll()) {
      this.send(parcel);
    }
  }

  unavailable(
    { address }: Endpoint,
    { reason, wasReady }: { readonly reason: string; readonly wasReady: boolean },
    returned: readonly Parcel[],
  ): void {
    if (wasReady) {
      this.fields.emit('disconnect', address, reason);
    }
    if (this.wasConnected && this.pick() === undefined) {
      this.fields.onStatus(ZmqStatus.RECONNECTING);
    }
    for (const parcel of returned) {
      if (!parcel.settled) {
        this.send(parcel);
      }
    }
    if (this.attempt !== undefined && this.isRefused) {
      // Whoever waits would wait in vain.
      this.giveUp(0);
    }
  }

  draining({ address }: Endpoint): void {
    this.fields.emit('draining', address);
  }

  retrying({ address }: Endpoint, delay: number): void {
    this.fields.emit('reconnecting', address, delay);
  }

  bounced(parcel: Parcel): void {
    if (!parcel.settled) {
      this.send(parcel);
    }
  }

  private pick(): ClientSession | undefined {
    let best: ClientSession | undefined;
    for (const { available } of this.endpoints) {
      if (available !== undefined && (best === undefined || available.outstanding < best.outstanding)) {
        best = available;
      }
    }
    return best;
  }

  private createAttempt(): Attempt {
    const { promise, resolve, reject } = withResolvers();
    // The rejection is also told to everything that waits, so nobody needs to look at this promise.
    promise.catch(() => undefined);
    const { connectTimeout } = this.fields.options;
    const timer = setTimeout(() => this.giveUp(connectTimeout - 1), connectTimeout);
    return { promise, resolve, reject, timer };
  }

  private endAttempt(): Attempt | undefined {
    const { attempt } = this;
    clearTimeout(attempt?.timer);
    this.attempt = undefined;
    return attempt;
  }

  /** Whether all servers have said, or shown, that there is no use in trying. */
  private get isRefused(): boolean {
    return this.endpoints.every(({ lastCode }) => lastCode === 'UNAUTHENTICATED');
  }

  /** @param waited milliseconds after which a parcel has waited long enough */
  private giveUp(waited: number): void {
    const { connectTimeout } = this.fields.options;
    const tried = this.endpoints.map(({ address, lastFailure }) => `${address} (${lastFailure})`).join(', ');
    const details = { endpoints: this.endpoints.map(({ address }) => address) };
    const error = this.isRefused
      ? new ZmqException('UNAUTHENTICATED', `No server takes this client, or none is accepted: ${tried}.`, { details })
      : new ZmqException('DISCONNECTED', `No server answered within ${connectTimeout} ms: ${tried}.`, { details });
    this.endAttempt()?.reject(error);
    const othersWait = this.parking.failOlderThan(waited, error);
    if (othersWait) {
      void this.connect().catch(() => undefined);
    } else if (!this.wasConnected) {
      // A client that nobody waits for must not go on trying for ever.
      for (const endpoint of this.endpoints) {
        void endpoint.stop(error, 0);
      }
      this.fields.onStatus(ZmqStatus.DISCONNECTED);
    }
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
