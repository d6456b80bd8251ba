import type { Observable } from 'rxjs';
import { ZmqException, type ZmqErrorObject } from '../errors/zmq.exception.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ZmqContext, ZmqPeer } from '../pipeline/zmq.context.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { toErrorObject } from './error-object.js';
import type { Peer } from './peer.js';
import { PullSource } from './pull-source.js';
import { isSource, ReplySources } from './reply-sources.js';
import type { Replies, ReplySink } from './replies.js';
import type { Route, Waiting } from './route.js';
import { ReplyStream } from './reply-stream.js';

/** What calls need of the server that runs them. */
export interface CallHost {
  readonly wheel: DeadlineWheel;
  /** Bytes of one stream that may wait for its consumer. */
  readonly streamBuffer: number;
  /** Asks for one more open stream; `false` if there are too many. */
  openStream(): boolean;
  closeStream(): void;
  /** Its handler has a place for the call. */
  run(call: Call): void;
  /** The handler no longer works on the call. */
  released(call: Call): void;
  /** A reply could not be delivered. */
  undelivered(): void;
  /** A call has ended before its handler was done with it. */
  cancelled(): void;
}

/** A request that has been admitted. */
export interface IncomingRequest {
  readonly peer: Peer;
  /** Who has sent it: the peer itself, or whoever has signed it. */
  readonly sender: ZmqPeer;
  readonly id: number | string;
  readonly pattern: string;
  /** Handler of the pattern, where that is known before a deserializer of the user's has seen the message. */
  readonly route: Route | undefined;
  readonly data: unknown;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Bytes that the payload costs until the call is over. */
  readonly size: number;
  /** Bytes of the payload as it came. */
  readonly payloadSize: number;
  /** Milliseconds that the caller waits for the first answer; 0 for ever. */
  readonly timeoutMs: number;
  /** Values that the caller takes ahead; 0 for any number. */
  readonly window: number;
  readonly replies: Replies;
  readonly sink: ReplySink;
}

/** One request from its acceptance to its last answer. It settles exactly once, whatever comes first. */
export class Call extends Expiring implements Waiting {
  private onSettled: (() => void) | undefined = undefined;
  private replyStream: ReplyStream | undefined = undefined;
  private sources: ReplySources | undefined = undefined;
  private failure: { readonly error: unknown } | undefined = undefined;
  private settled = false;
  private handlerDone = false;
  /** Whether the one answer waits to leave. */
  private answered = false;
  private released = false;
  private hasPlace = false;
  private streaming = false;
  private counted = false;

  constructor(
    private readonly host: CallHost,
    readonly request: IncomingRequest,
    readonly context: ZmqContext,
  ) {
    super();
  }

  /** Whether it has taken one of its handler's places. */
  get isStarted(): boolean {
    return this.hasPlace;
  }

  start(): void {
    this.hasPlace = true;
    this.host.run(this);
  }

  /**
   * The handler is about to run; `false` if the call has settled before it could. `onSettled` closes the span that was
   * opened when the processing started.
   */
  begin(onSettled: () => void): boolean {
    if (this.settled) {
      onSettled();
      this.handlerDone = true;
      this.maybeRelease();
      return false;
    }
    this.onSettled = onSettled;
    return true;
  }

  /** What the handler returned or resolved to: a value, an Observable or an AsyncIterable. */
  answer(result: unknown): void {
    this.handlerDone = true;
    if (this.settled) {
      void new PullSource(result).close();
      this.maybeRelease();
    } else if (isSource(result)) {
      this.startSources(result);
    } else {
      this.finishWith(result);
    }
  }

  /** Ends the call with an error for the caller. */
  fail(error: unknown): void {
    if (!this.settled) {
      this.failWith(toErrorObject(error));
    }
  }

  /** The call ends before its handler has begun. */
  refuse(error: ZmqErrorObject): void {
    this.handlerDone = true;
    if (!this.settled) {
      this.failWith(error);
    }
    this.maybeRelease();
  }

  /** The call ends, and the caller hears nothing of it. */
  discard(): void {
    this.handlerDone = true;
    if (!this.settled) {
      this.settle();
    }
    this.maybeRelease();
  }

  /** The handler itself failed, before it gave any result. */
  handlerFailed(error: unknown): void {
    this.handlerDone = true;
    this.fail(error);
    this.maybeRelease();
  }

  /** Nobody waits for the answer any more. */
  cancel(reason: ZmqException): void {
    if (!this.settled) {
      this.host.cancelled();
      this.context.abort(reason);
      this.settle();
    }
  }

  /** Stops the call and tells the caller why. */
  abort(reason: ZmqException): void {
    if (!this.settled) {
      this.host.cancelled();
      this.context.abort(reason);
      this.fail(reason);
    }
  }

  override expire(): void {
    this.abort(new ZmqException('DEADLINE_EXCEEDED', 'The deadline passed before the handler answered.'));
  }

  /** The caller takes `amount` more values of the stream. */
  grant(amount: number): void {
    this.stream.grant(amount);
    this.resumeStream();
  }

  /** The peer's outbox has room again. */
  resumeStream(): void {
    if (this.settled) {
      return;
    }
    let drained: boolean;
    try {
      drained = this.stream.pump();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (drained && this.answered) {
      this.settle();
      return;
    }
    if (drained && this.finishSources()) {
      return;
    }
    this.waitForSink();
    if (this.stream.ready) {
      this.sources?.resume();
    }
  }

  /** Made on demand: most calls answer with one value. */
  private get stream(): ReplyStream {
    const { sink, window, peer } = this.request;
    const { host } = this;
    return (this.replyStream ??= new ReplyStream({
      sink,
      window,
      get maxBytes() {
        return host.streamBuffer;
      },
      budget: peer.account,
    }));
  }

  private startSources(result: Observable<unknown> | AsyncIterable<unknown>): void {
    this.sources = new ReplySources({
      ready: () => {
        this.waitForSink();
        return this.stream.ready;
      },
      value: value => this.emit(value),
      // The values that came before the error are delivered before it.
      failed: error => {
        this.failure ??= { error };
        this.finishSources();
      },
      ended: () => this.finishSources(),
    });
    this.sources.start(result);
    this.maybeRelease();
  }

  private emit(value: unknown): void {
    if (this.settled) {
      return;
    }
    try {
      this.stream.push(this.request.replies.value(value, false));
    } catch (error) {
      this.fail(unencodable(error));
      return;
    }
    this.waitForSink();
    if (!this.streaming) {
      this.beginStream();
    }
  }

  /** Has the peer wake this call once its outbox has room. */
  private waitForSink(): void {
    if (this.stream.blockedBySink) {
      this.request.peer.waiting.add(this);
    }
  }

  /** A call that has answered and goes on is a stream: it has no deadline and leaves its place to other work. */
  private beginStream(): void {
    this.streaming = true;
    this.host.wheel.remove(this);
    // A source of one value completes in the same turn and never counts as a stream.
    process.nextTick(() => {
      if (this.settled) {
        return;
      }
      if (this.host.openStream()) {
        this.counted = true;
        this.maybeRelease();
      } else {
        this.abort(new ZmqException('OVERLOADED', 'The server has too many open streams.'));
      }
    });
  }

  /** Ends the call if its sources have ended and all their values have left; says whether it did. */
  private finishSources(): boolean {
    const mayEnd = this.sources !== undefined && (this.sources.exhausted || this.failure !== undefined);
    if (this.settled || !mayEnd || !this.stream.empty) {
      return false;
    }
    if (this.failure === undefined) {
      this.complete();
    } else {
      this.fail(this.failure.error);
    }
    return true;
  }

  private complete(): void {
    const { replies, sink } = this.request;
    const last = this.stream.lastPacket;
    if (last !== undefined && !last.sent && !last.cancelled) {
      replies.markLast(last);
    } else {
      sink.push(replies.complete());
    }
    this.settle();
  }

  private finishWith(value: unknown): void {
    const { replies, sink } = this.request;
    let packet: QueuedPacket;
    try {
      packet = replies.value(value, true);
    } catch (error) {
      this.fail(unencodable(error));
      return;
    }
    if (sink.hasRoom(packet.charge)) {
      sink.push(packet);
      this.settle();
    } else if (this.request.peer.stalledSince === undefined) {
      this.finishLater(packet);
    } else {
      this.host.undelivered();
      this.fail(
        new ZmqException(sink.overflowCode, 'The response found no room: the caller does not read its replies.'),
      );
    }
  }

  /** Keeps the answer until those before it have left, so that a burst of large ones is not lost on a peer that reads. */
  private finishLater(packet: QueuedPacket): void {
    try {
      this.stream.push(packet);
    } catch (error) {
      this.host.undelivered();
      this.fail(error);
      return;
    }
    this.answered = true;
    this.waitForSink();
    this.maybeRelease();
  }

  private failWith(error: ZmqErrorObject): void {
    this.request.sink.push(this.request.replies.error(error));
    this.settle();
  }

  private settle(): void {
    if (this.settled) {
      // The last answer itself may have ended the peer, and the call with it.
      return;
    }
    this.settled = true;
    const { host } = this;
    const { peer, id, sink, route } = this.request;
    if (!this.hasPlace && route?.withdraw(this) === true) {
      this.handlerDone = true;
    }
    host.wheel.remove(this);
    peer.calls.delete(id);
    peer.waiting.delete(this);
    this.sources?.close();
    this.replyStream?.close();
    if (this.counted) {
      host.closeStream();
    }
    sink.settle?.();
    this.onSettled?.();
    this.maybeRelease();
  }

  private maybeRelease(): void {
    if (!this.released && this.handlerDone && (this.settled || this.counted || this.answered)) {
      this.released = true;
      this.host.released(this);
    }
  }
}

function unencodable(error: unknown): ZmqException {
  if (error instanceof ZmqException && error.code !== 'MALFORMED') {
    return error;
  }
  return new ZmqException('INTERNAL', 'The response cannot be encoded.', { cause: error });
}
