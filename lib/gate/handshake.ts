import type { ZmqMechanism } from '../options/authenticator.js';
import { readCommand } from '../zmtp/command.js';
import { encodePlainWelcome, encodeReady, readPlainHello } from '../zmtp/commands.js';
import { encodeGreeting, GREETING_BYTES, readGreeting, type Greeting } from '../zmtp/greeting.js';
import { readMetadata } from '../zmtp/metadata.js';
import { ZmtpRefusal } from '../zmtp/refusal.js';
import { mayTalk, type SocketType } from '../zmtp/socket-types.js';

/** Who decides whether a peer is let in, perhaps later. */
export interface HandshakeJudge {
  /** Whether everybody is. */
  readonly isOpen: boolean;
  /** @param plain what the peer says of itself with PLAIN */
  judge(plain: { readonly username: string; readonly password: string } | undefined): boolean | Promise<boolean>;
}

export interface HandshakeOptions {
  readonly socketType: SocketType;
  readonly mechanism: Exclude<ZmqMechanism, 'CURVE'>;
  readonly judge: HandshakeJudge;
  readonly maxBytes: number;
  readonly write: (bytes: Buffer) => void;
}

/** `true` once the handshake is over. */
export type HandshakeStep = boolean | ZmtpRefusal;

/** Longest routing id (RFC 28). */
const MAX_IDENTITY_BYTES = 255;
const MAX_PROPERTIES = 32;

/**
 * The server's part of the handshake: greeting, then READY (NULL) or HELLO and INITIATE (PLAIN). Source: RFC 37 and
 * RFC 24. What the peer claims to be called is looked at for its length only; ids are the server's to give.
 */
export class ServerHandshake {
  private readonly greeting = Buffer.alloc(GREETING_BYTES);
  private greetingBytes = 0;
  private peer: Greeting | undefined;
  private awaited: 'READY' | 'HELLO' | 'INITIATE' | 'nothing' = 'READY';

  constructor(private readonly options: HandshakeOptions) {}

  /** Whether the greeting is over and commands follow. */
  get isGreeted(): boolean {
    return this.peer !== undefined;
  }

  /** The minor version of ZMTP 3 that the peer speaks. */
  get minorVersion(): number {
    return this.peer?.minor ?? 0;
  }

  begin(): void {
    const { mechanism, write } = this.options;
    write(encodeGreeting({ mechanism, asServer: mechanism === 'PLAIN' }));
  }

  /** Reads of `chunk[at..end]` what belongs to the greeting, and returns where that ends. */
  read(chunk: Buffer, at: number, end: number): number | ZmtpRefusal {
    const until = Math.min(end, at + GREETING_BYTES - this.greetingBytes);
    chunk.copy(this.greeting, this.greetingBytes, at, until);
    this.greetingBytes += until - at;
    const greeting = readGreeting(this.greeting, this.greetingBytes);
    if (greeting instanceof ZmtpRefusal) {
      return greeting;
    }
    if (greeting !== undefined) {
      const refusal = this.greeted(greeting);
      if (refusal !== undefined) {
        return refusal;
      }
    }
    return until;
  }

  /** Takes the body of a command. A promise is to be waited for before anything more is read; it never rejects. */
  command(body: Buffer): HandshakeStep | Promise<HandshakeStep> {
    const command = readCommand(body);
    if (command instanceof ZmtpRefusal) {
      return command;
    }
    if (command.name !== this.awaited) {
      return new ZmtpRefusal('unexpected-command');
    }
    this.awaited = 'nothing';
    return command.name === 'HELLO' ? this.hello(command.data) : this.ready(command.data);
  }

  private greeted(greeting: Greeting): ZmtpRefusal | undefined {
    const { mechanism, judge } = this.options;
    const isPlain = mechanism === 'PLAIN';
    if (greeting.mechanism !== mechanism || (isPlain && greeting.asServer)) {
      return new ZmtpRefusal('wrong-mechanism');
    }
    this.peer = greeting;
    this.awaited = isPlain ? 'HELLO' : 'READY';
    if (!isPlain && judge.isOpen) {
      this.writeReady();
    }
    return undefined;
  }

  private hello(data: Buffer): HandshakeStep | Promise<HandshakeStep> {
    const hello = readPlainHello(data);
    if (hello instanceof ZmtpRefusal) {
      return hello;
    }
    const username = textOf(hello.username);
    const password = textOf(hello.password);
    if (username === undefined || password === undefined) {
      return new ZmtpRefusal('not-authenticated');
    }
    return this.judged({ username, password }, () => {
      this.awaited = 'INITIATE';
      this.options.write(encodePlainWelcome());
      return false;
    });
  }

  private ready(data: Buffer): HandshakeStep | Promise<HandshakeStep> {
    const { maxBytes, socketType, mechanism, judge } = this.options;
    const metadata = readMetadata(data, { maxProperties: MAX_PROPERTIES, maxBytes });
    if (metadata instanceof ZmtpRefusal) {
      return metadata;
    }
    const type = metadata.get('socket-type')?.toString('latin1');
    if (type === undefined || !mayTalk(socketType, type)) {
      return new ZmtpRefusal(type === 'SUB' || type === 'XSUB' ? 'bad-subscription' : 'wrong-socket-type');
    }
    const identity = metadata.get('identity')?.length ?? 0;
    if (identity > MAX_IDENTITY_BYTES) {
      return new ZmtpRefusal('bad-identity', MAX_IDENTITY_BYTES, identity);
    }
    if (mechanism === 'PLAIN') {
      this.writeReady();
      return true;
    }
    return judge.isOpen || this.judged(undefined, () => this.welcomed());
  }

  private welcomed(): true {
    this.writeReady();
    return true;
  }

  private judged(
    plain: { readonly username: string; readonly password: string } | undefined,
    goOn: () => boolean,
  ): HandshakeStep | Promise<HandshakeStep> {
    const decide = (isLetIn: boolean) => (isLetIn ? goOn() : new ZmtpRefusal('not-authenticated'));
    const verdict = this.options.judge.judge(plain);
    return typeof verdict === 'boolean'
      ? decide(verdict)
      : verdict.then(decide, () => new ZmtpRefusal('not-authenticated'));
  }

  private writeReady(): void {
    this.options.write(encodeReady({ 'Socket-Type': this.options.socketType }));
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that are no UTF-8 must not become the same text as others. */
function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
