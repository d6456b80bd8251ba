import { randomUUID } from 'node:crypto';
import { textOf } from '../errors/text-of.js';
import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import type { ByteBudget } from '../limits/byte-budget.js';
import { DeadlineWheel } from '../limits/deadline-wheel.js';
import { GenerationMap } from '../limits/generation-map.js';
import { BudgetAccount } from '../limits/peer-account.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { SampledLog } from '../monitoring/sampled-log.js';
import type { ServerCounters, ZmqServerStats } from '../monitoring/server-counters.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import type { PeerOrigin } from '../security/verdict.js';
import { Outbox } from '../socket/outbox.js';
import type { ServerSocket } from '../socket/server-socket.js';
import { BatchEncoder, DETACH_FROM_BYTES, MAX_BATCH_BYTES } from '../wire/batch-encoder.js';
import { isMsgPackAvailable } from '../wire/msgpack.js';
import { PacketKind } from '../wire/packet.js';
import { encodePayload } from '../wire/payload-codec.js';
import { Access } from './access.js';
import type { ServerApplication } from './application.js';
import { DenialReports } from './denial-reports.js';
import { describeOverload, describeViolation, reasonOf } from './descriptions.js';
import { Dispatcher, type ProcessingHooks } from './dispatcher.js';
import { Intake } from './intake.js';
import { Invoker } from './invoker.js';
import { LateRates } from './late-rates.js';
import { jsonEncoder } from './json-replies.js';
import { LoadShedding, type ZmqOverload } from './load-shedding.js';
import { LAST_PING, Peer } from './peer.js';
import { PeerTable, type Departure } from './peer-table.js';
import { PROBE_MS, Probes } from './probes.js';
import { Reception, type NewPeer, type ReceptionOptions } from './reception.js';
import { Refusals, type WarningKind } from './refusals.js';
import type { Routes } from './routes.js';
import type { ZmqServerEvents } from './server-events.js';
import { SizeViolations } from './size-violations.js';
import { Slots } from './slots.js';
import { StalledPeers } from './stalled-peers.js';
import { Vetting } from './vetting.js';

const MAX_OUTBOX_PACKETS = 65_536;
const SWEEP_MS = 1_000;
const MAX_EXPELLED = 100_000;
/** Not UNAUTHENTICATED: whoever connects anew is told whether there is any use in it. */
const CHANGED: ZmqErrorObject = Object.freeze({
  code: 'DISCONNECTED',
  message: 'Who may connect has changed: connect anew.',
});
/** Leases expire only after this much undisturbed reading. */
const LEASE_GRACE_MS = 5_000;

export type Emit = <E extends keyof ZmqServerEvents>(event: E, ...args: Parameters<ZmqServerEvents[E]>) => void;

export interface ServerSessionOptions {
  readonly options: ResolvedServerOptions;
  readonly socket: ServerSocket;
  readonly routes: Routes;
  readonly application: ServerApplication | undefined;
  readonly prove: ReceptionOptions['prove'];
  readonly senders: ReceptionOptions['senders'];
  readonly hooks: () => ProcessingHooks | undefined;
  readonly counters: ServerCounters;
  /** What the session holds is charged to it. */
  readonly budget: ByteBudget;
  readonly log: SampledLog<WarningKind>;
  readonly emit: Emit;
}

/** All that a server has between `listen()` and `close()`. */
export class ServerSession {
  private readonly counters: ServerCounters;
  private readonly wheel = new DeadlineWheel();
  private readonly stalled = new StalledPeers();
  private readonly budget: ByteBudget;
  private readonly anonymous: BudgetAccount;
  private readonly peers: PeerTable;
  private readonly slots: Slots;
  private readonly intake: Intake;
  private readonly dispatcher: Dispatcher;
  private readonly reception: Reception;
  private readonly refusals: Refusals;
  private readonly denials: DenialReports;
  private readonly vetting: Vetting;
  private readonly sizeViolations: SizeViolations;
  private readonly load: LoadShedding;
  private readonly batches: BatchEncoder;
  private sweepTimer: NodeJS.Timeout | undefined;
  private readonly probes = new Probes(() => this.probe());
  /** Ids of connections whose makers were let in, and would not be any more: they must come again by another one. */
  private readonly expelled = new GenerationMap<true>(MAX_EXPELLED);
  private lastSweep = 0;
  private resumedAt = 0;
  private onQuiet: (() => void) | undefined;
  private options: ResolvedServerOptions;

  constructor(private readonly fields: ServerSessionOptions) {
    this.options = fields.options;
    const { options, socket, routes, application, hooks, log } = fields;
    const { limits } = options;
    this.counters = fields.counters;
    this.budget = fields.budget;
    this.anonymous = new BudgetAccount(this.budget);
    this.denials = new DenialReports(denial => fields.emit('denied', denial));
    this.refusals = new Refusals({
      denials: this.denials,
      counters: this.counters,
      log,
      note: (peerId, kind, figures) => socket.note(peerId, kind, figures),
      onMalformed: (peerId, reason) => fields.emit('malformed', peerId, reason),
    });
    const inForce = () => this.options.limits;
    this.batches = new BatchEncoder({
      maxBytes: MAX_BATCH_BYTES,
      get maxPackets() {
        return inForce().maxBatchPackets;
      },
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
    this.budget.onBelow = () => this.slots.progress();
    this.intake = new Intake({
      pause: () => socket.pause(),
      resume: () => {
        this.resumedAt = performance.now();
        socket.resume();
      },
    });
    const anyPattern = options.deserializer !== undefined;
    const access = new Access({
      denyByDefault: application?.denyByDefault ?? false,
      anyPattern,
      routes,
      refusals: this.refusals,
    });
    const rates = new LateRates((peer, route) => this.refusals.rateLimited(peer, route));
    this.dispatcher = new Dispatcher({
      invoker: new Invoker({ routes, deserializer: options.deserializer, access, rates }),
      access,
      rates,
      maxStreams: limits.maxStreams,
      streamBuffer: limits.streamBuffer,
      slots: this.slots,
      wheel: this.wheel,
      counters: this.counters,
      hooks,
      onEventError: (pattern, error) =>
        log.warn('event error', () => `The event handler of '${pattern}' failed: ${reasonOf(error)}`),
    });
    this.sizeViolations = new SizeViolations({
      application,
      counters: this.counters,
      note: (peerId, kind, figures) => socket.note(peerId, kind, figures),
      disconnect: (peerId, kind, figures) => socket.disconnect(peerId, kind, figures),
      failed: (pattern, error) =>
        log.warn('event error', () => `What decides about sizes failed for '${pattern}': ${textOf(error)}`),
    });
    this.vetting = new Vetting({
      access,
      sizeViolations: this.sizeViolations,
      refused: (envelope, refusal) => this.refusals.byHandler(envelope, refusal),
    });
    this.load = new LoadShedding(options.shedding, change => this.loadChanged(change));
    this.reception = new Reception({
      limits,
      routes,
      vetting: this.vetting,
      anyPattern,
      serializer: options.serializer,
      encodings: isMsgPackAvailable() ? ['raw', 'json', 'msgpack'] : ['raw', 'json'],
      serverId: randomUUID(),
      dispatcher: this.dispatcher,
      intake: this.intake,
      slots: this.slots,
      refusals: this.refusals,
      findPeer: id => this.seen(id),
      addPeer: peer => this.addPeer(peer),
      dropPeer: peer => this.give(peer, 'malformed'),
      sendOnce: (id, frames) => void socket.send(id, frames),
      prove: fields.prove,
      isExpelled: id => this.expelled.get(id) !== undefined,
      senders: fields.senders,
      disconnect: (peerId, kind) => socket.disconnect(peerId, kind),
    });
  }

  get stats(): ZmqServerStats {
    const { connections = 0, paused = 0, receivingBytes = 0 } = this.fields.socket.usage ?? {};
    let outboxPackets = 0;
    let outboxBytes = 0;
    let mostOutboxBytes = 0;
    for (const { outbox } of this.peers) {
      outboxPackets += outbox.length;
      outboxBytes += outbox.bytes;
      mostOutboxBytes = Math.max(mostOutboxBytes, outbox.peakBytes);
    }
    return {
      ...this.counters,
      running: this.slots.used,
      streams: this.dispatcher.streams,
      peers: this.peers.size,
      connections,
      paused,
      receivingBytes,
      heldBytes: this.budget.used,
      peakBytes: this.budget.peak,
      outboxPackets,
      outboxBytes,
      mostOutboxBytes,
      handlers: Object.fromEntries([...this.fields.routes].map(({ pattern, stats }) => [pattern, stats])),
    };
  }

  /** Other limits from now on, for the peers that are there as well. */
  adjust(options: ResolvedServerOptions): void {
    this.options = options;
    const { limits, concurrency } = options;
    this.reception.adjust(limits, this.peers);
    this.dispatcher.adjust(limits);
    this.peers.adjust({ ...options, maxPeers: limits.maxPeers });
    this.slots.adjust(concurrency);
    this.load.adjust(options.shedding);
  }

  /** Gives up the peers that have been proven to be somebody who is so no longer; they may come again. */
  review(holds: (origin: PeerOrigin) => boolean): void {
    this.fields.socket.review?.(holds);
    // Those that are left came through an engine that cannot end a single connection.
    for (const peer of this.peers) {
      const { id, origin, proven, binary } = peer;
      if (origin !== undefined && proven !== undefined && !holds({ ...origin, identity: proven })) {
        if (binary) {
          peer.control(PacketKind.Error, 0, encodePayload(CHANGED, 'json'));
          peer.outbox.flush();
        }
        this.expelled.set(id, true);
        this.give(peer, 'identity changed');
      }
    }
  }

  async open(): Promise<void> {
    const { socket, emit } = this.fields;
    await socket.open({
      message: (peerId, frames, account, origin) => this.reception.message(peerId, frames, account, origin),
      peerGone: (peerId, why) => this.gone(peerId, why),
      violation: violation => this.violated(violation),
      failed: error => emit('error', error),
    });
    this.load.start();
    this.lastSweep = performance.now();
    this.sweepTimer = setInterval(() => this.sweep(), SWEEP_MS);
    this.sweepTimer.unref();
  }

  /** Lets clients know, takes nothing new, and resolves when all that runs has finished, after `drainTimeout` at the latest. */
  async drain(): Promise<void> {
    this.refusals.isDraining = true;
    for (const peer of this.peers) {
      if (peer.binary) {
        peer.control(PacketKind.Goaway);
      }
    }
    // Who left at this very moment will never answer the goaway.
    const prober = setInterval(() => this.probe(), PROBE_MS);
    await this.quiet(this.options.drainTimeout, () => this.isDrained());
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
    await this.quiet(this.options.socket.linger, () =>
      [...this.peers].every(({ outbox, hasAll, binary }) => outbox.idle && (hasAll || !binary)),
    );
    clearInterval(prober);
  }

  async close(): Promise<void> {
    clearInterval(this.sweepTimer);
    this.probes.stop();
    this.load.stop();
    this.sizeViolations.close();
    this.slots.close();
    this.intake.clear();
    this.dispatcher.stopEvents();
    // Events outlive their senders, but not the server.
    for (const route of this.fields.routes) {
      route.clear();
    }
    this.stalled.clear();
    this.denials.clear();
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
      this.sizeViolations.isIdle &&
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

  private gone(peerId: string | undefined, why: ZmqViolationKind | undefined): void {
    const peer = peerId === undefined ? undefined : this.peers.get(peerId);
    if (peer !== undefined) {
      this.give(peer, departureOf(why));
    } else if (peerId === undefined) {
      this.probes.soon();
    }
  }

  private violated(violation: ZmqViolation): void {
    const { emit, log } = this.fields;
    this.counters.violations += violation.count;
    log.warn(`violation ${violation.kind}`, () => describeViolation(violation));
    emit('violation', violation);
  }

  private loadChanged(change: ZmqOverload): void {
    const { emit, log } = this.fields;
    this.vetting.isShedding = change.isShedding;
    log.warn('overload', () => describeOverload(change));
    emit('overload', change);
  }

  private seen(id: string): Peer | undefined {
    const peer = this.peers.get(id);
    if (peer !== undefined) {
      peer.lastSeen = performance.now();
    }
    return peer;
  }

  private addPeer({ account = this.anonymous, ...fields }: NewPeer): Peer | undefined {
    const { id, binary } = fields;
    const { socket, emit } = this.fields;
    const limits = () => this.options.limits;
    const peer = new Peer({
      ...fields,
      maxMessageSize: limits().maxMessageSize,
      account,
      now: performance.now(),
      onOverflow: () => this.give(peer, 'overflow'),
    });
    peer.outbox = new Outbox({
      encoder: binary ? this.batches : jsonEncoder,
      send: frames => socket.send(id, frames),
      maxPackets: MAX_OUTBOX_PACKETS,
      get maxBytes() {
        return limits().outboxSize;
      },
      budget: account,
      onFull: () => this.stalled.add(peer),
      onSent: () => this.sent(peer),
      onGone: () => {
        this.give(peer, 'disconnected');
        // A peer that was forgotten meanwhile is in no table any more.
        peer.outbox.close();
      },
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
    const { leaseTimeout } = this.options;
    // What a silent client has sent may be waiting unread: while reading pauses, and when this process has been held up.
    const heldUp = now - this.lastSweep > 3 * SWEEP_MS;
    const readingFor = this.intake.isPaused ? 0 : now - this.resumedAt;
    const leasesRun = !heldUp && readingFor > Math.min(leaseTimeout, LEASE_GRACE_MS);
    this.lastSweep = now;
    this.peers.sweep(now, leasesRun, (peer, why) => this.give(peer, why));
  }

  private probe(): void {
    for (const peer of this.peers) {
      if (peer.binary && (peer.calls.size > 0 || this.refusals.isDraining)) {
        peer.control(PacketKind.Pong);
      }
    }
  }
}

function departureOf(violation: ZmqViolationKind | undefined): Departure {
  if (violation === undefined) {
    return 'disconnected';
  }
  return violation === 'reply-stalled' ? 'stalled' : 'violation';
}
