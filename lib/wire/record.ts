import { ZmqException } from '../errors/zmq.exception.js';
import type { ZmqEncoding } from '../options/client-options.js';
import { MAX_RETRY_ATTEMPTS } from '../options/retry-options.js';
import { isForbiddenKey } from './forbidden-keys.js';
import { isStringRecord } from './payload-codec.js';

/** Data with instructions for its journey. Made by {@link ZmqRecordBuilder} and passed to `send()` or `emit()` as data. */
export class ZmqRecord<TData = unknown> {
  constructor(
    readonly data: TData,
    /** Flat strings that the handler reads with `ZmqContext.getMetadata()`. */
    readonly metadata?: Readonly<Record<string, string>>,
    /** Milliseconds until the first value must have come; 0 = no limit. @defaultValue the client's `timeout` */
    readonly timeout?: number,
    /** @defaultValue the client's `encoding` */
    readonly encoding?: ZmqEncoding,
    /** How often the request is sent again after a refusal; `false` for never. @defaultValue the client's `retry` */
    readonly retry?: number | false,
  ) {}
}

/**
 * @example
 * client.send('report', new ZmqRecordBuilder({ year: 2026 }).setTimeout(500).setMetadata({ tenant: 'a' }).build());
 */
export class ZmqRecordBuilder<TData = unknown> {
  private metadata?: Readonly<Record<string, string>>;
  private timeout?: number;
  private encoding?: ZmqEncoding;
  private retry?: number | false;

  constructor(private data?: TData) {}

  /** Any JSON value, or a Buffer or other view of bytes, which travels as it is. */
  setData(data: TData): this {
    this.data = data;
    return this;
  }

  /**
   * A flat object of strings; it is copied.
   *
   * @throws ZmqException `INVALID_OPTIONS` for other values and for keys such as `__proto__`
   */
  setMetadata(metadata: Readonly<Record<string, string>>): this {
    if (!isStringRecord(metadata)) {
      throw new ZmqException('INVALID_OPTIONS', 'metadata must be an object whose values are strings');
    }
    const forbidden = Object.keys(metadata).find(isForbiddenKey);
    if (forbidden !== undefined) {
      throw new ZmqException('INVALID_OPTIONS', `metadata must not have the key "${forbidden}"`);
    }
    this.metadata = Object.freeze({ ...metadata });
    return this;
  }

  /**
   * Milliseconds until the first value must have come; 0 = no limit.
   *
   * @throws ZmqException `INVALID_OPTIONS` unless it is an integer from 0 to 4,294,967,295
   */
  setTimeout(timeout: number): this {
    if (!Number.isInteger(timeout) || timeout < 0 || timeout > 0xffff_ffff) {
      throw new ZmqException('INVALID_OPTIONS', 'timeout must be an integer of milliseconds, 0 for none');
    }
    this.timeout = timeout;
    return this;
  }

  /** @throws ZmqException `INVALID_OPTIONS` unless it is `json` or `msgpack` */
  setEncoding(encoding: ZmqEncoding): this {
    if (encoding !== 'json' && encoding !== 'msgpack') {
      throw new ZmqException('INVALID_OPTIONS', "encoding must be 'json' or 'msgpack'");
    }
    this.encoding = encoding;
    return this;
  }

  /**
   * How often the request is sent again after a refusal, with the delays of the client's `retry`; `false` for never.
   * Events are sent once in any case.
   *
   * @throws ZmqException `INVALID_OPTIONS` unless it is `false` or an integer from 1 to 100
   */
  setRetry(attempts: number | false): this {
    if (attempts !== false && (!Number.isInteger(attempts) || attempts < 1 || attempts > MAX_RETRY_ATTEMPTS)) {
      throw new ZmqException('INVALID_OPTIONS', `retry must be an integer from 1 to ${MAX_RETRY_ATTEMPTS}, or false`);
    }
    this.retry = attempts;
    return this;
  }

  build(): ZmqRecord<TData> {
    return new ZmqRecord(this.data as TData, this.metadata, this.timeout, this.encoding, this.retry);
  }
}
