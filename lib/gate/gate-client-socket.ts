import type { Socket } from 'node:net';
import { textOf } from '../errors/text-of.js';
import { ZmqException } from '../errors/zmq.exception.js';
import { systemClock, type Clock } from '../limits/clock.js';
import type { ResolvedPlain } from '../options/credential-options.js';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import type { ResolvedClientTls } from '../options/tls-options.js';
import type { ClientSocket, ClientSocketListener, LossCode } from '../socket/client-socket.js';
import type { SendOutcome } from '../socket/server-socket.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { ClientCommands } from './client-commands.js';
import { ClientHandshake } from './client-handshake.js';
import { ClientInbound, type ClientInboundHost } from './client-inbound.js';
import { endOf, lossOf, ServerError, type ClientPhase, type ClientSocketType } from './client-losses.js';
import { ClientTcpSocket, tune } from './client-tcp-socket.js';
import { certificateProblem, connectTls, tlsProblem } from './client-tls-socket.js';
import { FrameWriter } from './frame-writer.js';
import type { ReadTarget } from './socket-reader.js';

export interface GateClientSocketOptions {
  /** `tcp://host:port`, or `tls://host:port` with `tls`; any text where `connect` is given. */
  readonly endpoint: string;
  readonly maxMessageSize: number;
  readonly socket: ResolvedSocketOptions;
  readonly tls?: ResolvedClientTls | undefined;
  /** PLAIN with these credentials instead of NULL. */
  readonly plain?: ResolvedPlain | undefined;
  /** Makes the connection by other means. The socket is neither connected yet nor read by anybody else. */
  readonly connect?: () => Socket;
  readonly clock?: Clock;
  /** What the client is to the server. @defaultValue 'DEALER' */
  readonly socketType?: ClientSocketType;
  /** Frames of one message. @defaultValue 8 */
  readonly maxFrames?: number;
  /** The handshake is over. */
  readonly onOpened?: () => void;
  /** Room is made for so many bytes of a message that has not come whole. */
  readonly onBegun?: (bytes: number) => void;
  /** Bytes that wait for the server have changed by so many. */
  readonly onHeld?: (change: number) => void;
}

interface WaitingMessage {
  readonly frames: Buffer[];
  readonly settle: (outcome: SendOutcome) => void;
}

/** Room beside one payload of the largest size: packet header, longest pattern, largest metadata, JSON envelope. */
const MESSAGE_OVERHEAD = 256 * 1024;
/** Longest time for reading what a server left behind, once nothing can be written to it any more. */
const READ_OUT_MS = 2_000;
/** A server that does not read what is sent anyway gets no more answers to its heartbeats either. */
const MAX_QUEUED_FOR_PONG = 1024 * 1024;

/** {@link ClientSocket} on `net.Socket`: a DEALER (or PUSH or PUB) of ZMTP 3.1 (RFC 37), with NULL or PLAIN. */
export class GateClientSocket implements ClientSocket, ReadTarget, ClientInboundHost {
  readonly maxMessageBytes: number;
  readonly maxFrames: number | undefined;
  private phase: ClientPhase = 'new';
  private isClosing = false;
  private isBroken = false;
  /** What was wrong with the server's certificate. */
  private certificateProblem: string | undefined = undefined;
  /** What else TLS did not like. */
  private tlsProblem: string | undefined = undefined;
  private socket: Socket | undefined = undefined;
  private writer: FrameWriter | undefined = undefined;
  private listener: ClientSocketListener | undefined = undefined;
  private waiting: WaitingMessage | undefined = undefined;
  private stopTimer: (() => void) | undefined = undefined;
  private readonly clock: Clock;
  private readonly inbound = new ClientInbound(this);
  private readonly handshake: ClientHandshake;
  private readonly commands = new ClientCommands(pong => {
    if (this.writer !== undefined && this.writer.queued < MAX_QUEUED_FOR_PONG) {
      this.writer.raw(pong);
    }
  });

  /** @throws RangeError if a credential has more than 255 bytes */
  constructor(private readonly options: GateClientSocketOptions) {
    this.maxMessageBytes = options.maxMessageSize + MESSAGE_OVERHEAD;
    this.maxFrames = options.maxFrames;
    this.clock = options.clock ?? systemClock;
    const { plain, socketType } = options;
    this.handshake = new ClientHandshake({ plain, socketType, write: bytes => this.writer?.raw(bytes) });
  }

  open(listener: ClientSocketListener): void {
    this.listener = listener;
    this.phase = 'connecting';
    try {
      this.attach();
    } catch (error) {
      this.lose(`cannot connect: ${error instanceof ZmqException ? error.message : textOf(error)}`);
    }
  }

  send(frames: Buffer[]): SendOutcome | Promise<SendOutcome> {
    if (this.phase === 'ended' || this.isClosing) {
      return this.isClosing ? 'closed' : 'gone';
    }
    if (this.writer !== undefined && this.phase === 'open' && !this.isBroken) {
      return this.writer.send(frames);
    }
    return new Promise(settle => {
      this.waiting = { frames, settle };
    });
  }

  close(linger: number): void {
    this.listener = undefined;
    const wasClosing = this.isClosing;
    this.isClosing = true;
    const hasMore = this.phase === 'open' || (this.waiting !== undefined && this.phase !== 'new');
    if (linger <= 0 || !hasMore || this.isBroken) {
      this.end('closed');
    } else if (!wasClosing) {
      this.within(linger, () => this.end('closed'));
      if (this.phase === 'open') {
        this.shutDown();
      }
    }
  }

  unwrap(): Socket | undefined {
    return this.socket;
  }

  get room(): Buffer | undefined {
    return this.isReading ? this.inbound.reader.room : undefined;
  }

  filled(length: number): boolean {
    // Node has asked for the room some time ago.
    if (this.isReading) {
      this.inbound.reader.filled(length);
    }
    return this.phase !== 'ended';
  }

  read(buffer: Buffer, length: number): boolean {
    let at = 0;
    if (this.phase === 'handshake' && !this.handshake.isGreeted) {
      const end = this.handshake.read(buffer, length);
      if (end instanceof ZmtpRefusal) {
        this.refused(end);
        return false;
      }
      at = end;
    }
    if (this.isReading) {
      this.inbound.reader.read(buffer, at, length);
    }
    return this.phase !== 'ended';
  }

  begun(bytes: number): void {
    this.options.onBegun?.(bytes);
  }

  command(body: Buffer): void {
    const outcome = this.phase === 'handshake' ? this.handshake.command(body) : this.commands.take(body);
    if (outcome instanceof ZmtpRefusal || outcome instanceof ServerError) {
      this.refused(outcome);
    } else if (outcome === true) {
      this.opened();
    }
  }

  message(frames: Buffer[]): void {
    this.commands.messageCame();
    try {
      this.listener?.message(frames);
    } catch (error) {
      this.lose(textOf(error));
    }
  }

  refused(failure: ZmtpRefusal | ServerError): void {
    const isRefused = failure instanceof ServerError && failure.reason === 'not-authenticated';
    this.lose(
      lossOf(failure, this.phase === 'handshake', this.options.socketType),
      isRefused ? 'UNAUTHENTICATED' : undefined,
    );
  }

  /** What comes while the rest leaves is read, lest the kernel reset the connection, but is nobody's any more. */
  private get isReading(): boolean {
    return this.phase === 'handshake' || (this.phase === 'open' && !this.isClosing);
  }

  private attach(): void {
    const { endpoint, socket: settings, connect, tls, onHeld } = this.options;
    const socket =
      connect?.() ??
      (tls !== undefined && endpoint.startsWith('tls:')
        ? connectTls({ endpoint, settings, tls, target: this })
        : new ClientTcpSocket({ target: this, onBroken: () => this.broken() }));
    this.socket = socket;
    this.writer = new FrameWriter({ socket, ...(onHeld !== undefined && { onHeld }) });
    if (connect !== undefined) {
      socket.on('data', (chunk: Buffer) => this.read(chunk, chunk.length));
    }
    // TLS has a handshake of its own, which the same time covers.
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect';
    socket.once('connect', () => this.connected(socket));
    socket.once(ready, () => this.handshake.begin());
    socket.once('end', () => this.disconnected());
    socket.once('close', () => this.disconnected());
    // Told by 'close' as well, but without a listener it would end the process.
    socket.on('error', error => {
      this.certificateProblem ??= certificateProblem(error);
      this.tlsProblem ??= tlsProblem(error);
    });
    if (socket instanceof ClientTcpSocket) {
      socket.open(endpoint, settings);
    }
  }

  private connected(socket: Socket): void {
    if (this.phase !== 'connecting') {
      return;
    }
    const { handshakeInterval } = this.options.socket;
    this.phase = 'handshake';
    tune(socket, this.options.socket);
    if (!this.isClosing) {
      this.within(handshakeInterval, () => this.lose(`the handshake failed: no answer within ${handshakeInterval} ms`));
    }
  }

  private opened(): void {
    this.phase = 'open';
    this.inbound.handshakeDone();
    const { waiting, writer } = this;
    this.waiting = undefined;
    if (waiting !== undefined && writer !== undefined) {
      const outcome = writer.send(waiting.frames);
      void Promise.resolve(outcome).then(waiting.settle);
    }
    if (this.isClosing) {
      this.shutDown();
    } else {
      this.stopTimer?.();
      this.options.onOpened?.();
    }
  }

  /** Lets everything leave, then waits for the server to hang up: hanging up first could reset what is on its way. */
  private shutDown(): void {
    const { socket } = this;
    this.writer?.flush();
    socket?.end(() => socket.unref());
  }

  private broken(): void {
    this.isBroken = true;
    if (this.isClosing) {
      this.end('closed');
      return;
    }
    this.within(READ_OUT_MS, () => this.disconnected());
  }

  private disconnected(): void {
    const { certificateProblem: problem, tlsProblem: other } = this;
    const end = endOf(this.phase);
    this.lose(
      problem ?? (other === undefined ? end : `${end} (${other})`),
      problem === undefined ? undefined : 'UNAUTHENTICATED',
    );
  }

  private lose(reason: string, code?: LossCode): void {
    const { listener } = this;
    this.listener = undefined;
    this.end(this.isClosing ? 'closed' : 'gone');
    listener?.lost(reason, code);
  }

  private end(outcome: SendOutcome): void {
    if (this.phase === 'ended') {
      return;
    }
    this.phase = 'ended';
    this.stopTimer?.();
    this.inbound.end();
    this.writer?.close();
    this.socket?.destroy();
    this.waiting?.settle(outcome);
    this.waiting = undefined;
  }

  /** There is one time limit at a time: for the handshake, for reading out, or for closing. */
  private within(ms: number, action: () => void): void {
    this.stopTimer?.();
    this.stopTimer = this.clock.after(ms, action);
  }
}
