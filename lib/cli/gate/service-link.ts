import { GateClientSocket } from '../../gate/gate-client-socket.js';
import type { ClientSocketType } from '../../gate/client-losses.js';
import { systemClock, type Clock } from '../../limits/clock.js';
import type { HeldBytes, PeerAccount } from '../../limits/peer-account.js';
import type { ResolvedSocketOptions } from '../../options/socket-options.js';
import type { ClientSocketListener } from '../../socket/client-socket.js';
import type { SendOutcome } from '../../socket/server-socket.js';
import type { Holdings } from './holdings.js';
import { RequestQueue, type Request } from './request-queue.js';
import { connectUnix } from './unix-socket.js';
import { WrittenBodies } from './written-bodies.js';

/** Where the service is, and how it is talked to. */
export interface ServiceRoute {
  readonly endpoint: string;
  readonly socketType: ClientSocketType;
  readonly maxReplySize: number;
  readonly socket: ResolvedSocketOptions;
  readonly holdings: Holdings;
  readonly clock?: Clock;
}

export interface ServiceLinkListener {
  /** Room has been made for so many bytes of a reply that has not come whole. */
  begun(bytes: number): void;
  reply(frames: Buffer[]): void;
  connected(): void;
  /** A connection could not be made or has ended (`wasOpen`). Another attempt follows if there is need for it. */
  lost(reason: string, wasOpen: boolean): void;
  /** So many messages will never reach the service. */
  dropped(messages: number): void;
  /** The link has ended for good. */
  ended(): void;
}

export interface ServiceLinkOptions {
  readonly route: ServiceRoute;
  /** Charged with what the connection has been given and has not sent. */
  readonly account: HeldBytes;
  readonly listener: ServiceLinkListener;
  /** Whether a lost connection is made anew even when there is nothing to send. */
  readonly staysConnected: boolean;
}

/** Bookkeeping charged with each message and each frame that waits, beside its bytes. */
const MESSAGE_OVERHEAD = 64;
const FRAME_OVERHEAD = 128;
const MAX_FRAMES = 65_536;
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;

/**
 * The way to the service: one connection at a time, made when there is something to send, and the messages that wait for
 * it. What waits is charged to its sender, so that a slow service slows its callers down. A message is sent once: what
 * was under way when a connection ended is not sent again.
 */
export class ServiceLink implements ClientSocketListener {
  private readonly queue = new RequestQueue();
  private readonly written = new WrittenBodies(() => this.socket?.unwrap()?.writableLength ?? Infinity);
  private socket: GateClientSocket | undefined = undefined;
  private isOpen = false;
  private isSending = false;
  private isReading = true;
  private isFinishing = false;
  private hasEnded = false;
  private attempts = 0;
  private stopRetry: (() => void) | undefined = undefined;
  private stopDeadline: (() => void) | undefined = undefined;
  private readonly route: ServiceRoute;
  private readonly listener: ServiceLinkListener;
  private readonly clock: Clock;

  constructor(private readonly options: ServiceLinkOptions) {
    this.route = options.route;
    this.listener = options.listener;
    this.clock = options.route.clock ?? systemClock;
  }

  get isConnected(): boolean {
    return this.isOpen;
  }

  get isIdle(): boolean {
    return this.queue.length === 0 && !this.isSending;
  }

  push(frames: Buffer[], account: PeerAccount): void {
    const bytes = frames.reduce((sum, { length }) => sum + length + FRAME_OVERHEAD, MESSAGE_OVERHEAD);
    this.route.holdings.requestsChanged(account, bytes);
    this.queue.add({ frames, bytes, account });
    this.pump();
  }

  /** Makes a connection if there is none, whether there is something to send or not. */
  connect(): void {
    if (this.socket === undefined && this.stopRetry === undefined && !this.hasEnded) {
      this.open();
    }
  }

  /** Reads replies or leaves them with the service. */
  read(isReading: boolean): void {
    if (isReading !== this.isReading) {
      this.isReading = isReading;
      this.applyReading();
    }
  }

  /** Sends what waits, within `timeout` ms, and ends. */
  finish(timeout: number): void {
    if (this.hasEnded || this.isFinishing) {
      return;
    }
    this.isFinishing = true;
    // Its last replies are nobody's any more, and must not keep the service from taking what is left.
    this.read(true);
    this.stopDeadline = this.clock.after(timeout, () => this.abort());
    this.pump();
  }

  /** Ends at once. What waits is lost. */
  abort(): void {
    this.end(0);
  }

  message(frames: Buffer[]): void {
    if (!this.isFinishing) {
      this.listener.reply(frames);
    }
  }

  lost(reason: string): void {
    const wasOpen = this.isOpen;
    this.socket = undefined;
    this.isOpen = false;
    this.written.forget();
    if (this.hasEnded) {
      return;
    }
    this.listener.lost(reason, wasOpen);
    if (this.queue.length > 0 || this.options.staysConnected) {
      this.retryLater();
    }
    this.pump();
  }

  private opened(): void {
    this.isOpen = true;
    this.attempts = 0;
    this.applyReading();
    this.listener.connected();
    this.pump();
  }

  private pump(): void {
    while (!this.isSending && this.queue.length > 0 && !this.hasEnded) {
      const socket = this.isOpen ? this.socket : undefined;
      const request = socket && this.queue.take();
      if (socket === undefined || request === undefined) {
        this.connect();
        return;
      }
      this.transmit(socket, request);
    }
    if (this.isFinishing && this.isIdle) {
      this.end(this.route.socket.linger);
    }
  }

  private transmit(socket: GateClientSocket, request: Request): void {
    const outcome = socket.send(request.frames);
    this.written.add(request);
    if (typeof outcome === 'string') {
      this.settle(request, outcome);
      return;
    }
    this.isSending = true;
    void outcome.then(settled => {
      this.isSending = false;
      this.settle(request, settled);
      this.pump();
    });
  }

  private settle(request: Request, outcome: SendOutcome): void {
    this.route.holdings.requestsChanged(request.account, -request.bytes);
    if (outcome !== 'sent') {
      this.listener.dropped(1);
    }
  }

  private open(): void {
    const { endpoint, socketType, maxReplySize, socket, holdings } = this.route;
    const opened = new GateClientSocket({
      endpoint,
      socketType,
      socket,
      maxMessageSize: maxReplySize,
      maxFrames: MAX_FRAMES,
      onOpened: () => this.opened(),
      onBegun: bytes => this.listener.begun(bytes),
      onHeld: change => {
        holdings.requestsChanged(this.options.account, change);
        this.written.check();
      },
      ...(endpoint.startsWith('ipc://') && { connect: () => connectUnix(endpoint) }),
    });
    this.socket = opened;
    opened.open(this);
  }

  private retryLater(): void {
    const wait = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** this.attempts++);
    // Links that were cut off together must not all come back together.
    this.stopRetry ??= this.clock.after(wait * (0.5 + Math.random() / 2), () => {
      this.stopRetry = undefined;
      this.connect();
    });
  }

  private applyReading(): void {
    const socket = this.isOpen ? this.socket?.unwrap() : undefined;
    if (this.isReading) {
      socket?.resume();
    } else {
      socket?.pause();
    }
  }

  private end(linger: number): void {
    if (this.hasEnded) {
      return;
    }
    this.hasEnded = true;
    this.stopRetry?.();
    this.stopDeadline?.();
    this.written.forget();
    const left = this.queue.clear();
    for (const { bytes, account } of left) {
      this.route.holdings.requestsChanged(account, -bytes);
    }
    if (left.length > 0) {
      this.listener.dropped(left.length);
    }
    this.socket?.close(linger);
    this.socket = undefined;
    this.isOpen = false;
    this.listener.ended();
  }
}
