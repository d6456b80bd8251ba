import { Dealer } from 'zeromq';
import { setImmediate } from 'node:timers/promises';
import { textOf } from '../errors/text-of.js';
import type { ZmqMechanism } from '../options/authenticator.js';
import type { ResolvedPlain } from '../options/credential-options.js';
import type { ResolvedClientCurve } from '../options/curve-options.js';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import { createKeyProof } from '../security/key-proof.js';
import type { ClientSocket, ClientSocketListener, LossCode } from './client-socket.js';
import { ReceiveLoop } from './receive-loop.js';
import type { SendOutcome } from './server-socket.js';
import { handshakeFailure } from './handshake-failure.js';
import { zeromqOptions } from './zeromq-options.js';
import { clientKeys, clientSecurity, type ClientKeys } from './zeromq-security.js';

/** Longer than any socket waits, as each is closed when its connection ends. */
const NEVER_MS = 3_600_000;
/** Longest time for reading what a peer left behind. */
const READ_OUT_MS = 2_000;

export interface DealerSocketOptions {
  readonly endpoint: string;
  readonly maxMessageSize: number;
  readonly socket: ResolvedSocketOptions;
  /** A key in a file is read anew for each connection. */
  readonly curve?: ResolvedClientCurve | undefined;
  /** Of no effect beside `curve`. */
  readonly plain?: ResolvedPlain | undefined;
}

/** {@link ClientSocket} on libzmq's DEALER. */
export class DealerSocket implements ClientSocket {
  /** Out of sight: whoever prints all that it gives would print the password, and keep us from reading its events. */
  readonly #dealer: Dealer;
  private readonly loop: ReceiveLoop;
  private readonly keys: ClientKeys | undefined;
  /** Why there can be no connection. */
  private readonly failure: string | undefined;
  private listener: ClientSocketListener | undefined;

  constructor(private readonly options: DealerSocketOptions) {
    const { endpoint, maxMessageSize, socket, curve, plain } = options;
    try {
      this.keys = curve && clientKeys(curve);
    } catch (error) {
      // Told like any other loss, as it can happen long after the start, when nobody is there to catch it.
      this.failure = textOf(error);
    }
    this.#dealer = new Dealer({
      ...zeromqOptions(socket, { maxMessageSize, endpoints: [endpoint] }),
      ...clientSecurity(this.keys, plain),
      // A reconnected DEALER would send what belongs to a session that is over, so every connection is a socket of its
      // own. Switched off altogether (-1), though, libzmq throws away what has arrived but has not been read.
      reconnectInterval: NEVER_MS,
    });
    this.loop = new ReceiveLoop(this.#dealer, message => this.listener?.message(message));
  }

  open(listener: ClientSocketListener): void {
    this.listener = listener;
    if (this.failure !== undefined) {
      // Not without the keys, which would show everything to whoever listens.
      this.lose(`cannot connect: ${this.failure}`);
      return;
    }
    void this.observe().catch(() => undefined);
    try {
      this.#dealer.connect(this.options.endpoint);
    } catch (error) {
      this.lose(`cannot connect: ${(error as Error).message}`);
      return;
    }
    void this.loop.run().catch((error: unknown) => this.lose(String(error)));
  }

  async send(frames: Buffer[]): Promise<SendOutcome> {
    try {
      await this.#dealer.send(frames);
      return 'sent';
    } catch {
      return this.#dealer.closed ? 'closed' : 'gone';
    }
  }

  /**
   * Proves that this connection was made by the owner of the CURVE key: libzmq tells the server that somebody was let in,
   * but not who. The server knows the connection by its routing id, which nobody else can guess.
   */
  helloProof(): object | undefined {
    if (this.keys === undefined) {
      return undefined;
    }
    const { secretKey, serverKey, connectionId } = this.keys;
    return createKeyProof({
      secretKey: secretKey.reveal(),
      serverKey,
      connectionId: Buffer.from(connectionId),
      now: Date.now(),
    });
  }

  close(linger: number): void {
    this.listener = undefined;
    if (!this.#dealer.closed) {
      this.#dealer.linger = linger;
      this.#dealer.close();
    }
    this.loop.resume();
  }

  unwrap(): Dealer {
    return this.#dealer;
  }

  private get mechanism(): ZmqMechanism {
    const { curve, plain } = this.options;
    return curve !== undefined ? 'CURVE' : plain !== undefined ? 'PLAIN' : 'NULL';
  }

  private async observe(): Promise<void> {
    for await (const event of this.#dealer.events) {
      switch (event.type) {
        case 'disconnect':
          await this.untilRead();
          this.lose('the connection was closed');
          break;
        case 'close':
          this.lose('the connection was refused or could not be made');
          break;
        case 'handshake:error:other':
        case 'handshake:error:protocol':
        case 'handshake:error:auth':
          this.lose(
            handshakeFailure(event, this.mechanism),
            event.type === 'handshake:error:auth' ? 'UNAUTHENTICATED' : undefined,
          );
          break;
        default:
      }
    }
  }

  /** What the peer sent before it closed the connection still counts. */
  private async untilRead(): Promise<void> {
    const end = performance.now() + READ_OUT_MS;
    do {
      await setImmediate();
    } while (!this.#dealer.closed && this.#dealer.readable && performance.now() < end);
  }

  private lose(reason: string, code?: LossCode): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.lost(reason, code);
  }
}
