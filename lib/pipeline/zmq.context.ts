import { BaseRpcContext } from '@nestjs/microservices';

/** Who sent a request or event. */
export interface ZmqPeer {
  /** Stands for the sender's connection as long as that lives; assigned anew on every connection. */
  readonly id: string;
  /** Network address, where the engine knows it. */
  readonly address?: string;
}

export interface ZmqContextFields {
  readonly pattern: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly peer: ZmqPeer;
  readonly deadline: number | undefined;
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
  private controller: AbortController | undefined;
  private aborted: Error | undefined;

  constructor({ pattern, metadata, peer, deadline }: ZmqContextFields) {
    super([pattern, metadata, peer]);
    this.deadline = deadline;
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

  /** @internal */
  abort(reason: Error): void {
    this.aborted ??= reason;
    this.controller?.abort(this.aborted);
  }
}
