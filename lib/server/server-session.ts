import type { MessageHandler } from '@nestjs/microservices';
import { randomUUID } from 'node:crypto';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { ByteBudget } from '../limits/byte-budget.js';
import { DeadlineWheel } from '../limits/deadline-wheel.js';
import type { SampledLog } from '../monitoring/sampled-log.js';
import type { ServerCounters, ZmqServerStats } from '../monitoring/server-counters.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import { Outbox } from '../socket/outbox.js';
import type { ServerSocket } from '../socket/server-socket.js';
import { BatchEncoder, DETACH_FROM_BYTES, MAX_BATCH_BYTES } from '../wire/batch-encoder.js';
import { isMsgPackAvailable } from '../wire/msgpack.js';
import { PacketKind } from '../wire/packet.js';
import { Dispatcher, type ProcessingHooks } from './dispatcher.js';
import { Intake } from './intake.js';
import { jsonEncoder } from './json-replies.js';
import { LAST_PING, Peer } from './peer.js';
import { PeerTable, type Departure } from './peer-table.js';
import { Reception, type WarningKind } from './reception.js';
import type { ZmqServerEvents } from './server-events.js';
import { Slots } from './slots.js';
import { StalledPeers } from './stalled-peers.js';

const MAX_OUTBOX_PACKETS = 65_536;
const SWEEP_MS = 1_000;
/** libzmq does not tell which peer has gone; at most this often all that wait for something are asked. */
const PROBE_MS = 100;
/** Leases expire only after this much undisturbed reading. */
const LEASE_GRACE_MS = 5_000;

export type Emit = <E extends keyof ZmqServerEvents>(event: E, ...args: Parameters<ZmqServerEvents[E]>) => void;

export interface ServerSessionOptions {
  readonly options: ResolvedServerOptions;
  readonly socket: ServerSocket;
  readonly handlers: ReadonlyMap<string, MessageHandler>;
  readonly hooks: () => ProcessingHooks | undefined;
  readonly counters: ServerCounters;
  readonly log: SampledLog<WarningKind>;
  readonly emit: Emit;
}

/** All that a server has between `listen()` and `close()`. */
export class ServerSession {
  private readonly counters: ServerCounters;
  private readonly wheel = new DeadlineWheel();
  private readonly stalled = new StalledPeers();
  private readonly budget: ByteBudget;
  private readonly peers: PeerTable;
  private readonly slots: Slots;
  private readonly intake: Intake;
  private readonly dispatcher: Dispatcher;
  private readonly reception: Reception;
  private readonly batches: BatchEncoder;
  private sweepTimer: NodeJS.Timeout | undefined;
  private probeTimer: NodeJS.Timeout | undefined;
  private lastProbe = 0;
  private probesDue = 0;
  private lastSweep = 0;
  private resumedAt = 0;
  private onQuiet: (() => void) | undefined;

  constructor(private readonly fields: ServerSessionOptions) {
    const { options, socket, handlers, hooks, log } = fields;
    const { limits } = options;
    this.counters = fields.counters;
    this.budget = new ByteBudget(options.memoryBudget);
    this.batches = new BatchEncoder({
      maxBytes: MAX_BATCH_BYTES,
      maxPackets: limits.maxBatchPackets,
      detachFrom: DETACH_FROM_BYTES,
    });
    this.peers = new PeerTable(
      { ...options, maxPeers: limits.maxPeers },
      {
        heartbeat: peer => peer.control(PacketKind.Pong),
        departed: (peer, why, undelivered) => this.departed(peer, why, undelivered),
      },
    );
    this.slots = new Slots({ ...options.concurrency, budget: this.budget, onChange: () => this.intake.work() });
    this.intake = new Intake({
      pause: () => socket.pause(),
      resume: () => {
        this.resumedAt = performance.now();
        socket.resume();
      },
    });
    this.dispatcher = new Dispatcher({
      handlers,
      deserializer: options.deserializer,
      maxStreams: limits.maxStreams,
      streamBuffer: limits.streamBuffer,
      slots: this.slots,
      budget: this.budget,
      wheel: this.wheel,
      counters: this.counters,
      hooks,
      onEventError: (pattern, error) =>
        log.warn('event error', () => `The event handler of '${pattern}' failed: ${textOf(error)}`),
    });
    this.reception = new Reception({
      limits,
      serializer: options.serializer,
      encodings: isMsgPackAvailable() ? ['raw', 'json', 'msgpack'] : ['raw', 'json'],
      serverId: randomUUID(),
      dispatcher: this.dispatcher,
      intake: this.intake,
      slots: this.slots,
      counters: this.counters,
      log,
      findPeer: id => this.seen(id),
      addPeer: (id, binary, maxReplySize) => this.addPeer(id, binary, maxReplySize),
      dropPeer: peer => this.give(peer, 'malformed'),
      sendOnce: (id, frames) => void socket.send(id, frames),
      onMalformed: (peerId, reason) => fields.emit('malformed', peerId, reason),
    });
  }

  get stats(): ZmqServerStats {
    return {
      ...this.counters,
      running: this.slots.used,
      streams: this.dispatcher.streams,
      peers: this.peers.size,
      heldBytes: this.budget.used,
      peakBytes: this.budget.peak,
    };
  }

  async open(): Promise<void> {
    const { socket, emit } = this.fields;
    await socket.open({
      message: (peerId, frames) => this.reception.message(peerId, frames),
      peerGone: () => this.probeSoon(),
      failed: error => emit('error', error),
    });
    this.lastSweep = performance.now();
    this.sweepTimer = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweepTimer.unref();
  }

  /** Lets clients know, takes nothing new, and resolves when all that runs has finished, after `drainTimeout` at the latest. */
  async drain(): Promise<void> {
    this.reception.draining = true;
    for (const peer of this.peers) {
      if (peer.binary) {
        peer.control(PacketKind.Goaway);
      }
    }
    // Who left at this very moment will never answer the goaway.
    const prober = setInterval(() => this.probe(), PROBE_MS);
    await this.quiet(this.fields.options.drainTimeout, () => this.isDrained());
    const reason = new ZmqException('DISCONNECTED', 'The server shut down before the request was finished.');
    for (const peer of this.peers) {
      for (const call of peer.calls.values()) {
        call.abort(reason);
      }
    }
    for (const peer of this.peers) {
      if (peer.binary) {
        peer.control(PacketKind.Ping, LAST_PING);
      }
    }
    // Replies that a client has not read when its connection ends would be lost.
    await this.quiet(this.fields.options.socket.linger, () =>
      [...this.peers].every(({ outbox, hasAll, binary }) => outbox.idle && (hasAll || !binary)),
    );
    clearInterval(prober);
  }

  async close(): Promise<void> {
    clearInterval(this.sweepTimer);
    clearTimeout(this.probeTimer);
    this.slots.close();
    this.intake.clear();
    this.dispatcher.stopEvents();
    this.stalled.clear();
    const reason = new ZmqException('DISCONNECTED', 'The server has closed.');
    for (const peer of this.peers) {
      this.peers.remove(peer, 'closed', reason);
    }
    this.wheel.clear();
    await this.fields.socket.close();
  }

  private isDrained(): boolean {
    return (
      this.slots.used === 0 &&
      [...this.peers].every(peer => peer.calls.size === 0 && (peer.knowsGoaway || !peer.binary))
    );
  }

  /** Resolves when the condition holds, looked at whenever something has been sent or received, or after `timeout` ms. */
  private async quiet(timeout: number, condition: () => boolean): Promise<void> {
    const until = performance.now() + timeout;
    while (!condition() && performance.now() < until) {
      await new Promise<void>(resolve => {
        this.onQuiet = resolve;
        setTimeout(resolve, Math.min(20, Math.max(1, until - performance.now())));
      });
    }
    this.onQuiet = undefined;
  }

  private seen(id: string): Peer | undefined {
    const peer = this.peers.get(id);
    if (peer !== undefined) {
      peer.lastSeen = performance.now();
    }
    return peer;
  }

  private addPeer(id: string, binary: boolean, maxReplySize: number): Peer | undefined {
    const { socket, emit, options } = this.fields;
    const peer = new Peer({
      id,
      binary,
      maxReplySize,
      now: performance.now(),
      onOverflow: () => this.give(peer, 'overflow'),
    });
    peer.outbox = new Outbox({
      encoder: binary ? this.batches : jsonEncoder,
      send: frames => socket.send(id, frames),
      maxPackets: MAX_OUTBOX_PACKETS,
      maxBytes: options.limits.outboxSize,
      budget: this.budget,
      onFull: () => this.stalled.add(peer),
      onSent: () => this.sent(peer),
      onGone: () => this.give(peer, 'disconnected'),
    });
    if (!this.peers.add(peer)) {
      return undefined;
    }
    emit('peerConnected', peer.identity);
    return peer;
  }

  private sent(peer: Peer): void {
    peer.lastSent = performance.now();
    if (peer.stalledSince !== undefined) {
      this.stalled.delete(peer);
    }
    if (peer.waiting.size > 0 && !peer.congested) {
      const waiting = [...peer.waiting];
      peer.waiting.clear();
      for (const call of waiting) {
        call.resumeStream();
      }
    }
    this.slots.progress();
    this.onQuiet?.();
  }

  /** Gives a peer up. */
  private give(peer: Peer, why: Departure): void {
    this.peers.remove(peer, why, new ZmqException('DISCONNECTED', `The caller has gone: ${why}.`));
  }

  private departed(peer: Peer, why: Departure, undelivered: number): void {
    const { emit, log } = this.fields;
    this.stalled.delete(peer);
    this.counters.undelivered += undelivered;
    if (why !== 'closed' && why !== 'disconnected' && why !== 'idle') {
      log.warn('departed', () => `Gave up peer ${peer.identity.id}: ${why}.`);
    }
    if (undelivered > 0) {
      emit('undelivered', peer.identity, undelivered);
    }
    emit('peerDisconnected', peer.identity, why);
    this.slots.progress();
    this.onQuiet?.();
  }

  private sweep(): void {
    const now = performance.now();
    const { leaseTimeout } = this.fields.options;
    // What a silent client has sent may be waiting unread: while reading pauses, and when this process has been held up.
    const heldUp = now - this.lastSweep > 3 * SWEEP_MS;
    const readingFor = this.intake.isPaused ? 0 : now - this.resumedAt;
    const leasesRun = !heldUp && readingFor > Math.min(leaseTimeout, LEASE_GRACE_MS);
    this.lastSweep = now;
    this.peers.sweep(now, leasesRun, (peer, why) => this.give(peer, why));
  }

  /**
   * Somebody has gone: whoever has something under way is sent a sign of life, which fails if it was them. Twice, because
   * for a moment after the event libzmq still takes messages for the one who has gone.
   */
  private probeSoon(): void {
    this.probesDue = 2;
    this.probeTimer ??= this.scheduleProbe();
  }

  private scheduleProbe(): NodeJS.Timeout {
    const wait = Math.max(0, this.lastProbe + PROBE_MS - performance.now());
    const timer = setTimeout(() => {
      this.lastProbe = performance.now();
      this.probe();
      this.probeTimer = --this.probesDue > 0 ? this.scheduleProbe() : undefined;
    }, wait);
    return timer.unref();
  }

  private probe(): void {
    for (const peer of this.peers) {
      if (peer.binary && (peer.calls.size > 0 || this.reception.draining)) {
        peer.control(PacketKind.Pong);
      }
    }
  }
}
