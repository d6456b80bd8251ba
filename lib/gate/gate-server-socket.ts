import { randomBytes } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { bindFailure } from '../errors/bind-failure.js';
import { systemClock, type Clock } from '../limits/clock.js';
import { DeadlineWheel } from '../limits/deadline-wheel.js';
import { HeapPressure } from '../limits/heap-pressure.js';
import { Ledger, type LedgerBounds } from '../limits/ledger.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { AddressRules } from '../security/address-list.js';
import type { PeerOrigin } from '../security/verdict.js';
import type { SendOutcome, ServerSocket, ServerSocketListener, SocketUsage } from '../socket/server-socket.js';
import type { SocketType } from '../zmtp/socket-types.js';
import { Addresses, type Address } from './addresses.js';
import { Admission } from './admission.js';
import { BodyPool } from './body-pool.js';
import { Connection } from './connection.js';
import type { ConnectionHost } from './connection-host.js';
import { dispose } from './dispose.js';
import { Door } from './door.js';
import { Entrance } from './entrance.js';
import { Encrypted } from './encrypted.js';
import type { Arrival } from './entry.js';
import { GateListener } from './gate-listener.js';
import type { GateBounds, GateServerSocketOptions } from './gate-server-options.js';
import { Relief } from './relief.js';
import { Tarpit } from './tarpit.js';
import type { TlsReload } from './tls-handshakes.js';
import { Turns } from './turns.js';
import { Violations } from './violations.js';

/** Room in a message beside one payload of the largest size: packet header, longest pattern, largest metadata, JSON envelope. */
const MESSAGE_OVERHEAD = 256 * 1024;
/** Messages of the largest size for which the reserve of completion leaves suffices, if the budget does. */
const LEAVES = 4;
const BACKED_UP_WINDOW = 1024 * 1024;
/** What the process may grow by beside the budget. */
const HEADROOM_BYTES = 32 * 1024 ** 2;
const SWEEP_MS = 1_000;
/** What may wait to be sent to a connection that is left without an answer: some commands, which TLS holds a moment longer. */
const TARPIT_BYTES = 1024;
/** What was read too early may take this part of the room for incomplete messages. */
const STASHES = 8;

/** {@link ServerSocket} that speaks ZMTP 3.1 itself, on `node:net`, and keeps every peer to exact limits. */
export class GateServerSocket implements ServerSocket, ConnectionHost {
  maxMessageBytes: number;
  stallTimeout: number;
  readonly ledger: Ledger;
  readonly wheel: DeadlineWheel;
  readonly turns = new Turns();
  readonly stashes: { bytes: number; limit: number };
  readonly bodies: BodyPool;
  readonly socketType: SocketType;
  isPaused = false;
  private readonly clock: Clock;
  private gate: ResolvedGateOptions;
  private readonly connections = new Map<string, Connection>();
  private readonly addresses: Addresses;
  private readonly entrance: Entrance;
  private readonly violations: Violations;
  private readonly tarpit: Tarpit;
  private readonly relief: Relief;
  private readonly heap: HeapPressure | undefined;
  private readonly waiting = new Set<Connection>();
  private readonly prefix = randomBytes(4).toString('latin1');
  private count = 0;
  private readonly doors: readonly Door[];
  private listeners: GateListener[] = [];
  private listener: ServerSocketListener | undefined;
  private stopSweeps: (() => void) | undefined;
  private isClosing = false;
  /** Bytes of incomplete messages in all. */
  private receiving: number;
  private onEnded: (() => void) | undefined;

  constructor(private readonly options: GateServerSocketOptions) {
    const { maxMessageSize, gate, receiving, budget, socketType = 'ROUTER', share, clock = systemClock } = options;
    this.clock = clock;
    this.wheel = new DeadlineWheel(clock);
    this.gate = gate;
    this.socketType = socketType;
    this.stallTimeout = options.stallTimeout;
    this.maxMessageBytes = maxMessageSize + (options.messageOverhead ?? MESSAGE_OVERHEAD);
    this.receiving = receiving;
    this.ledger = new Ledger({ ...this.ledgerBounds(options), held: budget, clock });
    // What is kept for later and what is in use share the same room.
    this.bodies = new BodyPool(() => this.receiving - this.ledger.receiving.used);
    this.stashes = { bytes: 0, limit: receiving / STASHES };
    const now = () => this.ledger.now;
    this.addresses = new Addresses(gate, now);
    this.violations = new Violations({
      limits: () => this.gate,
      now,
      emit: violation => this.listener?.violation?.(violation),
    });
    const { memoryBudget } = options;
    this.heap = memoryBudget === undefined ? undefined : new HeapPressure({ allowance: memoryBudget + HEADROOM_BYTES });
    this.relief = new Relief({
      wheel: this.wheel,
      debtors: () => this.connections.values(),
      isNeeded: () => budget.exceeded || this.ledger.hasWaiters,
      minRate: () => this.gate.minRate,
    });
    this.tarpit = new Tarpit(this.wheel, () => this.gate);
    const { addresses, violations, tarpit, wheel, handshakeTimeout } = this;
    this.entrance = new Entrance({
      addresses,
      violations,
      tarpit,
      clock,
      wheel,
      now,
      handshakeTimeout,
      admission: new Admission(budget, share),
      limits: () => this.gate,
      shutOut: address => this.shutOut(address),
      enter: arrival => this.enter(arrival),
    });
    this.doors = options.bind.map(
      bind =>
        new Door({
          bind: typeof bind === 'string' ? { endpoint: bind } : bind,
          onTlsReloaded: (name, reload) => this.tlsReloaded(name, reload),
        }),
    );
  }

  get limits(): ResolvedGateOptions {
    return this.gate;
  }

  /** Other limits from now on, for the connections that there are as well. */
  set limits(gate: ResolvedGateOptions) {
    this.gate = gate;
    this.addresses.adjust(gate);
    this.entrance.adjust();
    for (const connection of this.connections.values()) {
      connection.adjust(gate);
    }
  }

  /** Other sizes and times from now on; messages that have begun are finished. */
  adjust(bounds: GateBounds): void {
    const { maxMessageSize, stallTimeout, receiving, memoryBudget } = bounds;
    this.stallTimeout = stallTimeout;
    this.maxMessageBytes = maxMessageSize + (this.options.messageOverhead ?? MESSAGE_OVERHEAD);
    this.receiving = receiving;
    this.stashes.limit = receiving / STASHES;
    this.ledger.adjust(this.ledgerBounds(bounds));
    if (memoryBudget !== undefined && this.heap !== undefined) {
      this.heap.allowance = memoryBudget + HEADROOM_BYTES;
    }
    // The rates of connections let the largest message pass.
    this.limits = this.gate;
  }

  get endpoints(): readonly string[] {
    return this.listeners.map(({ endpoint }) => endpoint);
  }

  get handshakeTimeout(): number {
    return this.options.socket.handshakeInterval;
  }

  get addressCount(): number {
    return this.addresses.size;
  }

  get usage(): SocketUsage {
    let paused = 0;
    for (const { isPaused } of this.connections.values()) {
      paused += isPaused ? 1 : 0;
    }
    return { connections: this.connections.size, paused, receivingBytes: this.ledger.receiving.used };
  }

  async open(listener: ServerSocketListener): Promise<void> {
    const { socket, createServer } = this.options;
    const opened: GateListener[] = [];
    // The first endpoint may be used while the last one is not bound yet.
    this.listener = listener;
    for (const door of this.doors) {
      const { endpoint } = door;
      const gateListener = new GateListener({
        endpoint,
        socket,
        createServer,
        onConnection: accepted => this.accept(accepted, door),
        onFailed: error => listener.failed(error),
      });
      try {
        await gateListener.open();
      } catch (error) {
        this.listeners = opened;
        await this.close();
        throw bindFailure(endpoint, error);
      }
      door.tls?.start();
      opened.push(gateListener);
    }
    this.listeners = opened;
    this.heap?.start();
    this.sweepLater();
  }

  send(peerId: string, frames: Buffer[]): SendOutcome | Promise<SendOutcome> {
    return this.connections.get(peerId)?.send(frames) ?? (this.isClosing ? 'closed' : 'gone');
  }

  disconnect(peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures'] = {}): void {
    this.connections.get(peerId)?.violated(kind, figures);
  }

  note(peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures'] = {}): void {
    const connection = this.connections.get(peerId);
    if (connection === undefined) {
      return;
    }
    if (kind === 'noise' && connection.isTooNoisy()) {
      connection.violated('noise', { limit: this.gate.noiseRate });
    } else {
      this.violations.note(kind, 'refuse', { address: connection.owner, peerId, figures });
    }
  }

  /** Ends a connection for which its peer is not to blame. What was sent to the peer may still leave. */
  drop(peerId: string): void {
    this.connections.get(peerId)?.end('disconnect');
  }

  pause(): void {
    this.isPaused = true;
    if (this.options.budget.exceeded) {
      this.relief.press();
    }
  }

  resume(): void {
    this.isPaused = false;
    for (const connection of this.waiting) {
      if (this.isPaused) {
        return;
      }
      this.waiting.delete(connection);
      connection.resume();
    }
  }

  async close(): Promise<void> {
    this.isClosing = true;
    this.stopSweeps?.();
    // Servers are closed once all of their connections are, those in the tarpit among them.
    const closed = this.listeners.map(listener => listener.close());
    this.tarpit.clear();
    this.entrance.close();
    for (const door of this.doors) {
      door.close();
    }
    for (const connection of this.connections.values()) {
      connection.finish();
    }
    await this.untilEnded(this.options.socket.linger);
    this.listener = undefined;
    for (const connection of this.connections.values()) {
      connection.end('disconnect');
    }
    this.tarpit.clear();
    await Promise.all(closed);
    this.heap?.stop();
    this.relief.stop();
    this.turns.close();
    this.ledger.close();
    this.bodies.clear();
    this.wheel.clear();
    this.addresses.clear();
    this.waiting.clear();
  }

  /** The servers of `node:net`, one for each endpoint. */
  unwrap(): readonly Server[] {
    return this.listeners.map(({ server }) => server);
  }

  review(holds: (origin: PeerOrigin) => boolean): void {
    for (const connection of this.connections.values()) {
      if (!holds(connection.origin)) {
        connection.end('disconnect');
      }
    }
  }

  /** Other addresses from which connections are taken at the listeners of a name. Whoever is connected from elsewhere has to go. */
  admitFrom(listener: string, rules: AddressRules): void {
    for (const door of this.doors) {
      if (door.name === listener) {
        door.addresses = rules;
      }
    }
    for (const connection of this.connections.values()) {
      const { listener: name, address = '' } = connection.origin;
      if (name === listener && !rules.admits(address)) {
        connection.end('disconnect');
      }
    }
  }

  /** Looks at once whether files of TLS have changed. */
  reloadTls(): void {
    for (const { tls } of this.doors) {
      tls?.reload();
    }
  }

  opened({ owner }: Connection): void {
    this.entrance.opened(owner);
  }

  message(connection: Connection, frames: Buffer[]): void {
    this.listener?.message(connection.id, frames, connection.peer, connection.origin);
  }

  waitForHost(connection: Connection): void {
    this.waiting.add(connection);
  }

  violated(connection: Connection, kind: ZmqViolationKind, figures: ZmqViolation['figures']) {
    const { owner, id } = connection;
    const action = this.violations.punish(kind, { address: owner, peerId: id, figures });
    if (action === 'ban') {
      this.shutOut(owner);
    }
    return action;
  }

  noted({ owner, id }: Connection, kind: ZmqViolationKind, figures: ZmqViolation['figures']): void {
    if (kind === 'memory-share') {
      this.relief.press();
    }
    this.violations.note(kind, 'pause', { address: owner, peerId: id, figures });
  }

  ended(connection: Connection, why: 'closed' | ZmqViolation['action']): void {
    const { id, owner, socket, wasOpen } = connection;
    this.connections.delete(id);
    if (this.connections.size === 0) {
      this.relief.stop();
    }
    this.waiting.delete(connection);
    this.entrance.left(owner, connection.door, wasOpen);
    if (why === 'tarpit' && socket.writableLength <= TARPIT_BYTES) {
      this.tarpit.add(socket);
    } else {
      dispose(socket);
    }
    if (wasOpen) {
      this.listener?.peerGone(id, connection.violation);
    }
    this.onEnded?.();
  }

  /** Ends whatever a banned address has open. */
  private shutOut(address: Address): void {
    // Not from within what one of its connections is doing.
    setImmediate(() => {
      for (const connection of this.connections.values()) {
        if (connection.owner === address) {
          connection.end('ban');
        }
      }
    });
  }

  private accept(socket: Socket, door: Door): void {
    if (this.isClosing) {
      socket.destroy();
    } else {
      this.entrance.accept(socket, door);
    }
  }

  private enter(arrival: Arrival): void {
    const { accepted, owner, entry } = arrival;
    if (!entry.door.addresses.admits(entry.address) || this.violations.isBanned(owner)) {
      // It was admitted before TLS, and is not any more.
      this.entrance.left(owner, entry.door, false);
      dispose(accepted instanceof Encrypted ? accepted.socket : accepted);
      return;
    }
    const id = this.nextId();
    const connection = new Connection(id, this, arrival);
    this.connections.set(id, connection);
    connection.start();
  }

  private ledgerBounds({ receiving, backedUpWindow = BACKED_UP_WINDOW }: GateBounds): LedgerBounds {
    const { maxMessageBytes } = this;
    const reserve = Math.max(maxMessageBytes, Math.min(LEAVES * maxMessageBytes, receiving / 2));
    return {
      // Beside the leaves there has to be some room for everybody.
      receiving: Math.max(receiving, (reserve * 9) / 8),
      reserve,
      window: Math.max(this.options.budget.limit / 4, maxMessageBytes),
      backedUpWindow,
    };
  }

  private tlsReloaded(listener: string, reload: TlsReload): void {
    if (reload.error === undefined) {
      for (const connection of this.connections.values()) {
        const { door, wasOpen, origin } = connection;
        // It is not in yet, and its certificate was looked at by lists that no longer hold.
        if (door.name === listener && !wasOpen && origin.certificate !== undefined) {
          connection.end('disconnect');
        }
      }
    }
    this.options.onTlsReloaded?.(listener, reload);
  }

  /** Eight bytes that no peer can choose. */
  private nextId(): string {
    this.count = (this.count + 1) >>> 0;
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(this.count);
    const id = this.prefix + bytes.toString('latin1');
    return this.connections.has(id) ? this.nextId() : id;
  }

  private sweepLater(): void {
    this.stopSweeps = this.clock.after(SWEEP_MS, () => {
      this.sweepLater();
      this.sweep();
    });
  }

  private sweep(): void {
    this.bodies.sweep();
    const { now } = this.ledger;
    for (const connection of this.connections.values()) {
      if (!connection.checkLife(now)) {
        connection.end('closed');
      }
      connection.checkRecords();
    }
  }

  private async untilEnded(timeout: number): Promise<void> {
    if (this.connections.size === 0) {
      return;
    }
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, timeout);
      this.onEnded = () => {
        if (this.connections.size === 0) {
          clearTimeout(timer);
          resolve();
        }
      };
    });
    this.onEnded = undefined;
  }
}
