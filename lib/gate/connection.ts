import type { Socket } from 'node:net';
import type { ConnectionAccount } from '../limits/ledger.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import { isPassingFailure, type PeerOrigin } from '../security/verdict.js';
import type { SendOutcome } from '../socket/server-socket.js';
import { encodeError } from '../zmtp/commands.js';
import type { BodyBuffers } from '../zmtp/frame-reader.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { encodeSubscribe } from '../zmtp/subscription.js';
import type { Address } from './addresses.js';
import { CommandControl } from './command-control.js';
import type { ConnectionHost } from './connection-host.js';
import { ConnectionRates } from './connection-rates.js';
import { FrameWriter } from './frame-writer.js';
import { GatePeer } from './gate-peer.js';
import type { Door } from './door.js';
import { Encrypted, ENCRYPTED_FACTOR, MAX_EMPTY_BYTES } from './encrypted.js';
import type { Arrival, Entry } from './entry.js';
import { ServerHandshake, type HandshakeStep } from './handshake.js';
import { Heartbeat } from './heartbeat.js';
import { Inbound } from './inbound.js';
import { ProgressDeadline } from './progress-deadline.js';
import { Block, ReadControl } from './read-control.js';
import { withReader } from './socket-reader.js';
import { WriteWatch } from './write-watch.js';

/** Messages between two looks at the clock. */
const MESSAGES_PER_CHECK = 8;
/** Behind a message of so many there is time for it at once. */
const LARGE_BYTES = 4 * 1024;
/** Smaller messages are covered by what every address may hold. */
const CHECKED_BYTES = 64 * 1024;
const NO_FIGURES = Object.freeze({});

/** One accepted connection: its handshake, what it sends and what is sent to it, each kept to its limits. */
export class Connection {
  readonly socket: Socket;
  readonly owner: Address;
  /** What the application sees of it. */
  readonly peer: GatePeer;
  /** What ended the connection, if it was a violation. */
  violation: ZmqViolationKind | undefined = undefined;
  /** Where its messages come from. */
  origin: PeerOrigin;
  readonly account: ConnectionAccount;
  private readonly entry: Entry;
  private readonly timeLeft: number;
  private readonly encrypted: Encrypted | undefined;
  private readonly writer: FrameWriter;
  private readonly control: ReadControl;
  private readonly inbound: Inbound;
  private readonly commands: CommandControl;
  /** Whether a message of it has been delivered: until then it is read in small portions. */
  hasDelivered = false;
  private readonly rates: ConnectionRates;
  private readonly watch: WriteWatch;
  private handshake: ServerHandshake | undefined;
  private readonly heartbeat: Heartbeat;
  private sinceCheck = 0;
  private isClosed = false;
  private hasEnded = false;
  private readonly deadline: ProgressDeadline;

  constructor(
    readonly id: string,
    private readonly host: ConnectionHost,
    { accepted, owner, entry, timeLeft }: Arrival,
  ) {
    this.owner = owner;
    this.entry = entry;
    this.timeLeft = timeLeft;
    this.encrypted = accepted instanceof Encrypted ? accepted : undefined;
    const { limits, ledger, wheel, turns, stashes, socketType } = host;
    this.origin = entry.origin;
    const now = () => ledger.now;
    this.rates = new ConnectionRates({
      limits,
      owner,
      wheel,
      now,
      maxMessageBytes: () => host.maxMessageBytes,
      onExceeded: (kind, figures) => this.tooFast(kind, figures),
      onRecovered: () => this.control.unblock(Block.Rate),
    });
    this.deadline = new ProgressDeadline({ wheel, now, limits: () => host.limits, onLate: () => this.tooLate() });
    this.control = new ReadControl({ address: owner, turns, stashes, consumer: this });
    this.account = ledger.open(owner.account, this);
    this.inbound = new Inbound(this);
    this.socket = accepted instanceof Encrypted ? accepted.readFor(this.control) : withReader(accepted, this.control);
    this.control.attach(this.socket);
    const { socket, encrypted: carrier } = this;
    this.writer = new FrameWriter({ socket, carrier, onHeld: change => this.held(change) });
    const write = (command: Buffer) => this.writer.raw(command);
    this.commands = new CommandControl({ rate: limits.commandRate, now, write });
    this.watch = new WriteWatch({
      writer: this.writer,
      wheel,
      limits: () => ({ stallTimeout: host.stallTimeout, minRate: host.limits.minRate }),
      onStalled: figures => this.violated('reply-stalled', figures),
    });
    this.heartbeat = new Heartbeat({ writer: this.writer, limits: () => host.limits }, now());
    this.peer = new GatePeer({
      owner,
      account: this.account,
      control: this.control,
      rates: this.rates,
      bodies: host.bodies,
      budget: ledger.held,
      addresses: () => host.addressCount,
    });
    this.handshake = new ServerHandshake({
      socketType,
      mechanism: entry.door.mechanism,
      judge: entry,
      maxBytes: limits.maxHandshakeSize,
      write,
    });
  }

  /** Where it came in. */
  get door(): Door {
    return this.entry.door;
  }

  /** Whether the handshake was ever finished. */
  get wasOpen(): boolean {
    return this.handshake === undefined;
  }

  /** Whether nothing is read from it at the moment. */
  get isPaused(): boolean {
    return this.control.isBlocked;
  }

  get limits(): ResolvedGateOptions {
    return this.host.limits;
  }

  get bodies(): BodyBuffers {
    return this.host.bodies;
  }

  get maxMessageBytes(): number {
    return this.host.maxMessageBytes;
  }

  /** Greets the peer and begins to read. */
  start(): void {
    this.socket.on('close', () => this.closed());
    // The end follows as 'close'.
    this.socket.on('error', error => this.failed(error));
    this.handshake?.begin();
    this.deadline.start(this.timeLeft);
    this.socket.resume();
  }

  send(frames: readonly Buffer[]): SendOutcome | Promise<SendOutcome> {
    return this.hasEnded ? 'gone' : this.writer.send(frames);
  }

  /** Keeps to other limits from now on. */
  adjust(limits: ResolvedGateOptions): void {
    this.rates.adjust(limits);
    this.commands.adjust(limits.commandRate);
  }

  /** Another message has come that nobody can use; whether that happens too often. */
  isTooNoisy(): boolean {
    return this.rates.isTooNoisy();
  }

  /** Goes on after `waitForHost()`. */
  resume(): void {
    this.control.unblock(Block.Host);
  }

  /** Asks a silent peer for a sign of life; `false` if it has been silent for too long. */
  checkLife(now: number): boolean {
    if (this.control.isBlocked || !this.wasOpen) {
      // What it has sent meanwhile is not read.
      this.heartbeat.heard(now);
      return true;
    }
    return this.heartbeat.check(now);
  }

  /** Looks, once a second, whether TLS is kept busy with nothing. */
  checkRecords(): void {
    const actual = this.encrypted?.tooEmpty() ?? 0;
    if (actual > 0) {
      this.violated('command-rate', { limit: MAX_EMPTY_BYTES, actual });
    }
  }

  /** Lets what waits leave, then closes; what takes longer than `linger` ms is cut off by the host. */
  finish(): void {
    this.deadline.stop();
    if (!this.wasOpen) {
      this.end('closed');
      return;
    }
    this.control.drain();
    this.writer.flush();
    this.socket.end();
  }

  /** Ends the connection. What becomes of its socket is up to the host. */
  end(why: 'closed' | ZmqViolation['action']): void {
    if (this.hasEnded) {
      return;
    }
    this.hasEnded = true;
    this.peer.end();
    const { ledger } = this.host;
    this.inbound.end();
    this.control.block(Block.Ended);
    this.deadline.stop();
    this.rates.stop();
    ledger.stopWaiting(this);
    this.account.close();
    this.writer.flush();
    this.writer.close();
    this.watch.stop();
    this.host.ended(this, why);
  }

  // What the reading asks for.

  get room(): Buffer | undefined {
    return this.inbound.reader.room;
  }

  consume(chunk: Buffer, at: number, end: number): number {
    this.heartbeat.heard(this.host.ledger.now);
    if (this.isHeldBack()) {
      return at;
    }
    let from = at;
    if (this.handshake?.isGreeted === false) {
      const read = this.handshake.read(chunk, at, end);
      if (read instanceof ZmtpRefusal) {
        this.inbound.refuse(read);
        return end;
      }
      from = read;
    }
    return this.inbound.reader.read(chunk, from, end);
  }

  filled(count: number): void {
    this.heartbeat.heard(this.host.ledger.now);
    this.isHeldBack();
    this.inbound.reader.filled(count);
  }

  deliver(): void {
    if (!this.isHeldBack()) {
      this.inbound.deliver();
    }
  }

  stashed(change: number): void {
    this.account.reserveAnyhow(change);
  }

  rest(): void {
    if (this.hasEnded) {
      return;
    }
    this.inbound.rest();
    this.rates.check();
    this.updateDeadline();
    if (this.isClosed && !this.control.hasStash && !this.inbound.isReady && !this.control.isBlocked) {
      this.end('closed');
    }
  }

  // What the frames lead to.

  get shouldStop(): boolean {
    return this.control.isBlocked;
  }

  command(body: Buffer): ZmtpRefusal | undefined {
    if (this.handshake !== undefined) {
      return this.takeHandshake(this.handshake, body);
    }
    const outcome = this.commands.take(body);
    if (outcome === 'too many') {
      this.violated('command-rate', { limit: this.host.limits.commandRate });
      return undefined;
    }
    return outcome === 'taken' ? undefined : outcome;
  }

  message(frames: Buffer[], bytes: number): void {
    const { host, account } = this;
    // The next message has its own.
    this.deadline.stop();
    this.rates.took(1, bytes);
    this.hasDelivered = true;
    host.message(this, frames);
    if (this.hasEnded) {
      return;
    }
    this.isHeldBack();
    if (!host.ledger.mayTake(account)) {
      this.waitForShare();
    }
    // A large message must not be begun only to wait in the middle.
    if (++this.sinceCheck >= MESSAGES_PER_CHECK || bytes >= LARGE_BYTES) {
      this.sinceCheck = 0;
      this.rates.check();
      if (host.turns.isOver()) {
        this.control.giveWay();
      }
    }
  }

  mayBegin(bytes: number): boolean {
    const isFree = this.host.ledger.mayBegin(this.account, bytes);
    if (!isFree) {
      this.waitForShare({ bytes });
    }
    return isFree;
  }

  mayDeliver(bytes: number): boolean {
    const isFree = bytes < CHECKED_BYTES || this.host.ledger.mayDeliver(bytes);
    if (!isFree) {
      this.waitForShare({ bytes, isComplete: true });
    }
    return isFree;
  }

  skipping(bytes: number): void {
    this.rates.took(0, bytes);
  }

  waitForLeave(): void {
    this.control.block(Block.Leave);
  }

  violated(kind: ZmqViolationKind, figures: ZmqViolation['figures']): ZmqViolation['action'] {
    if (this.hasEnded) {
      return 'disconnect';
    }
    const { failure } = this.entry;
    const isRefused = kind === 'not-authenticated' && failure !== undefined;
    const action = this.host.violated(this, kind, isRefused ? { ...figures, reason: failure } : figures);
    if (action !== 'discard') {
      this.violation = kind;
      // Whoever is told of an error never comes back, if it is libzmq. One that was only late may do better next time, and
      // so may one on whom there was no verdict.
      const isPassing = kind === 'handshake-timeout' || (isRefused && isPassingFailure(failure));
      if (this.handshake !== undefined && action === 'disconnect' && !isPassing) {
        this.writer.raw(encodeError(kind));
      }
      this.end(action);
    }
    return action;
  }

  // What the ledger asks for and tells.

  get isReading(): boolean {
    return this.control.isAttentive;
  }

  get isThrottled(): boolean {
    return this.control.isThrottled || this.rates.isExceeded;
  }

  get isBackedUp(): boolean {
    return this.writer.isWaiting;
  }

  get takenBytes(): number {
    return this.writer.taken;
  }

  get addressBytes(): number {
    return this.owner.account.held;
  }

  giveUp(): void {
    this.violated('reply-stalled', { limit: this.limits.minRate });
  }

  get lackingBytes(): number {
    return this.inbound.reader.lacking;
  }

  granted(): void {
    this.control.unblock(Block.Leave);
    // Others may have been served meanwhile.
    if (this.inbound.hasBegun || this.host.ledger.mayBegin(this.account, 0)) {
      this.inbound.granted();
    } else {
      this.waitForShare({ bytes: this.inbound.giveBack() });
    }
  }

  evict(): void {
    this.violated('message-stalled', NO_FIGURES);
  }

  shareFreed(): void {
    this.control.unblock(Block.Share);
    this.inbound.retry();
  }

  private takeHandshake(handshake: ServerHandshake, body: Buffer): ZmtpRefusal | undefined {
    const outcome = handshake.command(body);
    if (outcome instanceof Promise) {
      this.control.block(Block.Verdict);
      void outcome.then(step => this.decided(handshake, step));
      return undefined;
    }
    return this.goOn(handshake, outcome);
  }

  /** Whether the peer is let in has become known. */
  private decided(handshake: ServerHandshake, step: HandshakeStep): void {
    if (this.hasEnded) {
      return;
    }
    this.control.unblock(Block.Verdict);
    const refusal = this.goOn(handshake, step);
    if (refusal !== undefined) {
      this.inbound.refuse(refusal);
    }
  }

  private goOn(handshake: ServerHandshake, step: HandshakeStep): ZmtpRefusal | undefined {
    // With PLAIN the verdict comes before the handshake is over.
    this.origin = this.entry.origin;
    if (step === true) {
      const { minorVersion } = handshake;
      this.heartbeat.start(minorVersion, this.host.ledger.now);
      this.handshake = undefined;
      this.inbound.handshakeDone();
      this.deadline.stop();
      if (this.host.socketType === 'SUB') {
        this.subscribeToAll(minorVersion);
      }
      this.host.opened(this);
      this.isHeldBack();
    }
    return step instanceof ZmtpRefusal ? step : undefined;
  }

  /** Publishers send nothing that was not asked for. */
  private subscribeToAll(minorVersion: number): void {
    this.writer.raw(encodeSubscribe(Buffer.alloc(0), minorVersion > 0 ? 'command' : 'message'));
  }

  private held(change: number): void {
    const bytes = change * (this.encrypted === undefined ? 1 : ENCRYPTED_FACTOR);
    if (change > 0) {
      this.account.charge(bytes);
      this.watch.start();
    } else {
      this.account.release(-bytes);
      if (this.writer.queued === 0) {
        this.watch.stop();
      }
    }
  }

  /** Whether the host takes nothing, so that this waits for it. Handshakes go on. */
  private isHeldBack(): boolean {
    const { host, control } = this;
    if (!host.isPaused || !this.wasOpen) {
      return false;
    }
    control.block(Block.Host);
    host.waitForHost(this);
    return true;
  }

  private waitForShare({ bytes = 0, isComplete = false } = {}): void {
    this.control.block(Block.Share);
    this.host.ledger.waitForShare(this, { account: this.account, bytes, isComplete });
    this.host.noted(this, 'memory-share', { actual: this.account.held });
  }

  /** Reads no more while a rate is exceeded: nothing is lost, and the peer feels it. */
  private tooFast(kind: ZmqViolationKind, figures: ZmqViolation['figures']): void {
    if (!this.hasEnded) {
      this.control.block(Block.Rate);
      this.host.noted(this, kind, figures);
    }
  }

  /** A message that was begun has to be completed; not while it is not being read, though. */
  private updateDeadline(): void {
    if (this.handshake !== undefined) {
      return;
    }
    if (this.inbound.isInMessage && !this.control.isBlocked) {
      this.deadline.extend(this.inbound);
    } else {
      this.deadline.stop();
    }
  }

  private tooLate(): void {
    const kind = this.handshake === undefined ? 'message-timeout' : 'handshake-timeout';
    const limit = this.handshake === undefined ? this.host.limits.messageTimeout : this.host.handshakeTimeout;
    this.violated(kind, { limit });
  }

  private failed({ code: reason = '' }: NodeJS.ErrnoException): void {
    if (/^ERR_(SSL|TLS)_/.test(reason)) {
      // Somebody has changed what came, or begins one handshake after the other.
      this.violated(reason === 'ERR_TLS_SESSION_ATTACK' ? 'command-rate' : 'framing', { reason });
    }
  }

  private closed(): void {
    this.isClosed = true;
    // What the peer sent before it left still counts.
    if (!this.control.hasStash && !this.inbound.isReady) {
      this.end('closed');
    }
  }
}
