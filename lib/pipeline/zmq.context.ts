import { BaseRpcContext } from '@nestjs/microservices';
import type { ZmqMechanism, ZmqPeerCertificate } from '../options/authenticator.js';
import type { ZmqSizeViolation } from './size-violation.js';

/**
 * Who sent a request or event. The same frozen object for all that a connection sends, or that somebody signs of it, until
 * something of it changes.
 */
export interface ZmqPeer {
  /** Stands for the sender's connection as long as that lives; assigned anew on every connection. */
  readonly id: string;
  /** Network address as limits count it, of IPv6 its /64 network, where the engine knows it. */
  readonly address?: string;
  /** Network address exactly, without port, where the engine knows it. */
  readonly remoteAddress?: string;
  /** Name of the sender, where it has been proven: by the signature of the message, or else by its connection. */
  readonly identity?: string;
  /** What the sender may act as, by that identity and by the listener that it came to. */
  readonly roles?: readonly string[];
  /** Name of the listener that the connection came to. */
  readonly listener?: string;
  /** How the connection was made. */
  readonly mechanism?: ZmqMechanism;
  /** With mutual TLS: the sender's certificate, which has been verified. */
  readonly certificate?: ZmqPeerCertificate;
}

export interface ZmqContextFields {
  readonly pattern: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly peer: ZmqPeer;
  readonly deadline: number | undefined;
  readonly violation?: ZmqSizeViolation | undefined;
}

/** What a handler, guard, interceptor, pipe or filter can know of a request or event beside its data: `@Ctx() context: ZmqContext`. */
export class ZmqContext extends BaseRpcContext<
  [pattern: string, metadata: Readonly<Record<string, string>> | undefined, peer: ZmqPeer]
> {
  /**
   * When the caller stops waiting, in milliseconds since the epoch; `undefined` if it waits for ever. Requests that a
   * handler makes through a `ClientZmq` end with it by themselves.
   */
  readonly deadline: number | undefined;
  /** What is wrong with the size of the payload, for interceptors that decide about it: the payload has not been decoded. */
  readonly violation: ZmqSizeViolation | undefined;
  /**
   * Counts the message where no server has done so: 0, or milliseconds to wait.
   *
   * @internal
   */
  countRates: (() => number | Promise<number>) | undefined = undefined;
  /**
   * Told when a guard does not let the message pass because of who has sent it.
   *
   * @internal
   */
  onDenied: ((context: ZmqContext) => void) | undefined = undefined;
  private controller: AbortController | undefined;
  private aborted: Error | undefined;

  constructor({ pattern, metadata, peer, deadline, violation }: ZmqContextFields) {
    super([pattern, metadata, peer]);
    this.deadline = deadline;
    this.violation = violation;
  }

  /** The route of the pattern; for `{ cmd: 'sum' }` that is `{"cmd":"sum"}`. */
  getPattern(): string {
    return this.args[0];
  }

  /** What the caller put beside the data, e.g. trace ids: `ZmqRecordBuilder.setMetadata()` or a dispatch hook. */
  getMetadata(): Readonly<Record<string, string>> | undefined {
    return this.args[1];
  }

  getPeer(): ZmqPeer {
    return this.args[2];
  }

  /**
   * Aborts when the caller cancels, disconnects or stops waiting, with a `ZmqException` of code `CANCELLED`,
   * `DISCONNECTED` or `DEADLINE_EXCEEDED` as its reason. Hand it to whatever can be stopped: `fetch(url, { signal })`.
   */
  get signal(): AbortSignal {
    // Made on demand: most handlers never look at it, and it is the dearest part of a context.
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) {
        this.controller.abort(this.aborted);
      }
    }
    return this.controller.signal;
  }

  /**
   * Takes over what a deserializer made of the packet, so that guards see what the handler will get.
   *
   * @internal
   */
  revise(pattern: string, metadata: Readonly<Record<string, string>> | undefined): void {
    this.args[0] = pattern;
    this.args[1] = metadata;
  }

  /**
   * Whether nobody waits for the outcome any more.
   *
   * @internal
   */
  get isAborted(): boolean {
    return this.aborted !== undefined;
  }

  /** @internal */
  abort(reason: Error): void {
    this.aborted ??= reason;
    this.controller?.abort(this.aborted);
  }
}
