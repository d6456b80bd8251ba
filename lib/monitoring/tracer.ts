/** A message that is about to be handled. */
export interface TracedMessage {
  readonly kind: 'request' | 'event';
  /** Of its handler, or `__unknown__`. */
  readonly pattern: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Bytes of the payload. */
  readonly size: number;
  readonly address: string | undefined;
}

/** The handling of one message. */
export interface ServerSpan {
  /** Runs a handler, so that what it does belongs to the handling. */
  run<T>(work: () => T): T;
  /** It is over, with the code of its error, or `OK`. */
  end(code: string): void;
}

/** Follows the handling of messages. */
export interface ServerTracer {
  begin(message: TracedMessage): ServerSpan;
}

/** A request or event that is about to be sent. */
export interface TracedSending {
  readonly kind: 'request' | 'event';
  readonly pattern: string;
  /** Bytes of the payload. */
  readonly size: number;
}

/** The sending of one message, a request with its answers. */
export interface ClientSpan {
  /** Names the sending for the server: to be put into the metadata of the message. */
  readonly metadata: Readonly<Record<string, string>>;
  /** It is over, with the code of its error, or `OK`. */
  end(code: string): void;
}

/** Follows what is sent. */
export interface ClientTracer {
  begin(sending: TracedSending): ClientSpan;
}
