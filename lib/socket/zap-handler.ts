import { Router } from 'zeromq';
import { bindFailure } from '../errors/bind-failure.js';
import { textOf } from '../errors/text-of.js';
import { ReceiveLoop } from './receive-loop.js';
import type { ZapDecisions } from './zap-decisions.js';
import { parseZapRequest, zapReply } from './zap-request.js';
import { zeromqContext } from './zeromq-context.js';

/** Where libzmq asks for decisions. Each context has this name for itself. */
const ENDPOINT = 'inproc://zeromq.zap.01';

const handlers = new Map<number, ZapHandler>();

/** The one handler of a context; contexts are told apart by their number of I/O threads. */
export function zapHandler(ioThreads: number): ZapHandler {
  let handler = handlers.get(ioThreads);
  if (handler === undefined) {
    handler = new ZapHandler(ioThreads);
    handlers.set(ioThreads, handler);
  }
  return handler;
}

/**
 * Answers what libzmq asks about connections (ZAP, RFC 27), for all listeners of a context, which their domains tell
 * apart. The socket for it is there as long as there are domains. Must be bound before the first listener is: libzmq
 * would otherwise refuse everybody.
 */
export class ZapHandler {
  private readonly domains = new Map<string, ZapDecisions>();
  private socket: ZapSocket | undefined;
  /** Opening and closing, one after the other: a name is free only when its socket has gone. */
  private turn: Promise<unknown> = Promise.resolve();
  private unreadable = 0;

  constructor(private readonly ioThreads: number) {}

  /** Requests that could not be read, or had no listener. */
  get malformed(): number {
    return this.unreadable;
  }

  /** Whether it listens. */
  get isOpen(): boolean {
    return this.socket !== undefined;
  }

  /**
   * Decides for a domain from now on. Resolves when its listener may be bound.
   *
   * @throws {@link ZmqException} `BIND_FAILED`
   */
  async enter(domain: string, decisions: ZapDecisions): Promise<void> {
    this.domains.set(domain, decisions);
    try {
      await this.adapt();
    } catch (error) {
      await this.leave(domain);
      throw bindFailure(ENDPOINT, error);
    }
  }

  /** Decides no more. Resolves when the socket has gone, if this was the last domain. */
  async leave(domain: string): Promise<void> {
    this.domains.get(domain)?.close();
    this.domains.delete(domain);
    await this.adapt();
  }

  private adapt(): Promise<void> {
    const adapted = this.turn.then(async () => {
      const { socket } = this;
      if (this.domains.size === 0) {
        this.socket = undefined;
        await socket?.close();
      } else if (socket === undefined) {
        this.socket = await this.open();
      }
    });
    this.turn = adapted.catch(() => undefined);
    return adapted;
  }

  private async open(): Promise<ZapSocket> {
    const socket = new ZapSocket(this.ioThreads, (frames, answer) => this.handle(frames, answer));
    try {
      await socket.open(error => this.fail(error));
    } catch (error) {
      await socket.close();
      throw error;
    }
    return socket;
  }

  private handle(frames: readonly Buffer[], answer: (frames: Buffer[]) => void): void {
    const request = parseZapRequest(frames);
    if (request === undefined) {
      this.unreadable++;
      answer(zapReply(frames[2] ?? Buffer.alloc(0), 500, ''));
      return;
    }
    const decisions = this.domains.get(request.domain);
    if (decisions === undefined) {
      this.unreadable++;
      answer(zapReply(request.id, 400, ''));
      return;
    }
    decisions.decide(request, ({ status, userId }) => answer(zapReply(request.id, status, userId)));
  }

  private fail(error: unknown): void {
    const failure = error instanceof Error ? error : new Error(textOf(error));
    // Whoever comes next gets a new one.
    const { socket } = this;
    this.socket = undefined;
    // Nobody opens another one under that name before this one has gone.
    this.turn = this.turn.then(() => socket?.close()).catch(() => undefined);
    for (const { rules } of this.domains.values()) {
      rules.onFailed(failure);
    }
  }
}

/** ROUTER, not REP: answers may come in another order than the questions. */
class ZapSocket {
  private readonly router: Router;
  private readonly loop: ReceiveLoop;
  private readonly ended: Promise<void>;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(ioThreads: number, handle: (frames: readonly Buffer[], answer: (frames: Buffer[]) => void) => void) {
    this.router = new Router({ context: zeromqContext(ioThreads), linger: 0 });
    this.ended = this.untilEnd().catch(() => undefined);
    this.loop = new ReceiveLoop(this.router, ([sender, ...frames]) => {
      if (sender !== undefined) {
        handle(frames, answer => this.send([sender, ...answer]));
      }
    });
  }

  async open(onFailed: (error: unknown) => void): Promise<void> {
    await this.router.bind(ENDPOINT);
    void this.loop.run().catch(onFailed);
  }

  async close(): Promise<void> {
    this.router.close();
    // The end of its events tells that a socket has let go of its names within the process.
    await this.ended;
  }

  /** Never waits long: ROUTER drops what is for a connection that has gone. */
  private send(frames: Buffer[]): void {
    this.sending = this.sending.then(() => this.router.send(frames)).catch(() => undefined);
  }

  private async untilEnd(): Promise<void> {
    for await (const { type } of this.router.events) {
      if (type === 'end') {
        return;
      }
    }
  }
}
