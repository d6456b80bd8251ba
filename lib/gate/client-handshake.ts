import type { ResolvedPlain } from '../options/credential-options.js';
import { readCommand } from '../zmtp/command.js';
import { encodePlainHello, encodePlainInitiate, encodeReady, readError } from '../zmtp/commands.js';
import { encodeGreeting, GREETING_BYTES, readGreeting, type Greeting } from '../zmtp/greeting.js';
import { readMetadata } from '../zmtp/metadata.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { mayTalk } from '../zmtp/socket-types.js';
import { ServerError, type ClientSocketType } from './client-losses.js';

export interface ClientHandshakeOptions {
  /** What the client is to the server. @defaultValue 'DEALER' */
  readonly socketType?: ClientSocketType | undefined;
  /** PLAIN with these instead of NULL. */
  readonly plain: ResolvedPlain | undefined;
  readonly write: (bytes: Buffer) => void;
}

const METADATA_LIMITS = { maxProperties: 32, maxBytes: 512 };
/** What libzmq 4.3.5 writes as a server of PLAIN where the name ERROR and its length belong. */
const ERROR_OF_LIBZMQ = Buffer.from('^RROR');

/**
 * The client's part of the handshake: greeting, then READY (NULL) or HELLO and INITIATE (PLAIN). Source: RFC 37 and RFC 24.
 * Of what the server says of itself only its socket type counts.
 */
export class ClientHandshake {
  private readonly greeting = Buffer.alloc(GREETING_BYTES);
  private greetingBytes = 0;
  private awaited: 'greeting' | 'WELCOME' | 'READY' = 'greeting';
  /** Holds the password, so it is out of sight of whoever prints this. */
  readonly #hello: Buffer | undefined;
  private readonly socketType: ClientSocketType;

  /** @throws RangeError if user name or password is too long */
  constructor(private readonly options: ClientHandshakeOptions) {
    const { plain, socketType = 'DEALER' } = options;
    this.socketType = socketType;
    // Here, where it may throw, and not while the server's bytes are read.
    this.#hello = plain && encodePlainHello(plain.username, plain.password.reveal());
  }

  /** Whether the greeting is over and commands follow. */
  get isGreeted(): boolean {
    return this.awaited !== 'greeting';
  }

  begin(): void {
    this.options.write(encodeGreeting({ mechanism: this.mechanism, asServer: false }));
  }

  /** Reads of `chunk[0..end]` what belongs to the greeting, and returns where that ends. */
  read(chunk: Buffer, end: number): number | ZmtpRefusal {
    const until = Math.min(end, GREETING_BYTES - this.greetingBytes);
    chunk.copy(this.greeting, this.greetingBytes, 0, until);
    this.greetingBytes += until;
    const greeting = readGreeting(this.greeting, this.greetingBytes);
    if (greeting instanceof ZmtpRefusal) {
      return greeting;
    }
    return (greeting && this.greeted(greeting)) ?? until;
  }

  /** Takes the body of a command; `true` once the handshake is over. */
  command(body: Buffer): boolean | ZmtpRefusal | ServerError {
    if (this.#hello !== undefined && body.subarray(0, ERROR_OF_LIBZMQ.length).equals(ERROR_OF_LIBZMQ)) {
      // Else a wrong password would look like a broken server.
      return errorIn(body.subarray(ERROR_OF_LIBZMQ.length));
    }
    const command = readCommand(body);
    if (command instanceof ZmtpRefusal) {
      return command;
    }
    const { name, data } = command;
    if (name === 'ERROR') {
      return errorIn(data);
    }
    if (name !== this.awaited) {
      return new ZmtpRefusal('unexpected-command');
    }
    return name === 'WELCOME' ? this.welcomed(data) : this.ready(data);
  }

  private get metadata(): { readonly 'Socket-Type': ClientSocketType } {
    return { 'Socket-Type': this.socketType };
  }

  private get mechanism(): 'NULL' | 'PLAIN' {
    return this.#hello === undefined ? 'NULL' : 'PLAIN';
  }

  private greeted({ mechanism }: Greeting): ZmtpRefusal | undefined {
    if (mechanism !== this.mechanism) {
      return new ZmtpRefusal('wrong-mechanism');
    }
    this.awaited = this.#hello === undefined ? 'READY' : 'WELCOME';
    this.options.write(this.#hello ?? encodeReady(this.metadata));
    return undefined;
  }

  private welcomed(data: Buffer): boolean | ZmtpRefusal {
    if (data.length > 0) {
      return new ZmtpRefusal('bad-command');
    }
    this.awaited = 'READY';
    this.options.write(encodePlainInitiate(this.metadata));
    return false;
  }

  private ready(data: Buffer): boolean | ZmtpRefusal {
    const metadata = readMetadata(data, METADATA_LIMITS);
    if (metadata instanceof ZmtpRefusal) {
      return metadata;
    }
    const type = metadata.get('socket-type')?.toString('latin1');
    return type !== undefined && mayTalk(this.socketType, type) ? true : new ZmtpRefusal('wrong-socket-type');
  }
}

function errorIn(data: Buffer): ZmtpRefusal | ServerError {
  const reason = readError(data);
  return reason instanceof ZmtpRefusal ? reason : new ServerError(reason);
}
