import { isUtf8 } from 'node:buffer';
import { noteTokens } from './decoding-cost.js';
import { isForbiddenKeyAt } from './forbidden-keys.js';
import type { WireLimits } from './wire-limits.js';

const TIMESTAMP = 0xff;

/**
 * Walks the tokens of a MessagePack value without building anything, and tells why it is refused, if it is: deeper or
 * more than allowed, declared sizes beyond the bytes that are there, other than one value, extension types other than
 * timestamps, map keys that are neither text nor integers, forbidden keys, or text that is not UTF-8.
 */
export function scanMsgPack(bytes: Uint8Array, limits: Pick<WireLimits, 'maxDepth' | 'maxTokens'>): string | undefined {
  return new MsgPackScan(bytes, limits).run();
}

class MsgPackScan {
  private at = 0;
  private tokens = 0;
  /** Open containers: how many keys and values each still expects, and whether it is a map. Never longer than `maxDepth`. */
  private readonly expected: number[] = [];
  private readonly maps: boolean[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly limits: Pick<WireLimits, 'maxDepth' | 'maxTokens'>,
  ) {}

  run(): string | undefined {
    const { bytes, limits, expected, maps } = this;
    do {
      const top = expected.length - 1;
      const isKey = top >= 0 && maps[top]! && expected[top]! % 2 === 0;
      if (top >= 0) {
        expected[top]! -= 1;
      }
      this.tokens += 1;
      if (this.tokens > limits.maxTokens) {
        return 'too many values';
      }
      const refusal = this.token(isKey);
      if (refusal !== undefined) {
        return refusal;
      }
      if (expected.length > limits.maxDepth) {
        return 'nested too deeply';
      }
      while (expected.at(-1) === 0) {
        expected.pop();
        maps.pop();
      }
    } while (expected.length > 0);
    noteTokens(this.tokens);
    return this.at === bytes.length ? undefined : 'trailing bytes';
  }

  private token(isKey: boolean): string | undefined {
    const type = this.bytes[this.at];
    if (type === undefined) {
      return 'truncated';
    }
    this.at += 1;
    if (type < 0x80 || type >= 0xe0) {
      return undefined;
    }
    if (type >= 0xa0 && type < 0xc0) {
      return this.text(type - 0xa0, isKey);
    }
    if (type >= 0xd9 && type <= 0xdb) {
      return this.text(this.size(1 << (type - 0xd9)), isKey);
    }
    if (type >= 0xcc && type <= 0xd3) {
      return this.skip(1 << ((type - 0xcc) & 3));
    }
    if (isKey) {
      return 'a key is neither text nor an integer';
    }
    if (type < 0xa0) {
      return type < 0x90 ? this.open(type - 0x80, true) : this.open(type - 0x90, false);
    }
    return this.other(type);
  }

  private other(type: number): string | undefined {
    switch (type) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return undefined;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.skip(this.size(1 << (type - 0xc4)));
      case 0xc7:
        return this.timestamp(this.size(1));
      case 0xca:
        return this.skip(4);
      case 0xcb:
        return this.skip(8);
      case 0xd6:
        return this.timestamp(4);
      case 0xd7:
        return this.timestamp(8);
      case 0xdc:
      case 0xdd:
        return this.open(this.size(2 << (type - 0xdc)), false);
      case 0xde:
      case 0xdf:
        return this.open(this.size(2 << (type - 0xde)), true);
      default:
        return 'unknown type or extension';
    }
  }

  /** A size of 1, 2 or 4 bytes; beyond the end it is more than any input holds. */
  private size(width: number): number {
    const { bytes } = this;
    if (this.at + width > bytes.length) {
      return Number.POSITIVE_INFINITY;
    }
    let size = 0;
    for (let index = 0; index < width; index += 1) {
      size = size * 256 + bytes[this.at + index]!;
    }
    this.at += width;
    return size;
  }

  private skip(size: number): string | undefined {
    if (size > this.bytes.length - this.at) {
      return 'a declared size goes beyond the end';
    }
    this.at += size;
    return undefined;
  }

  private timestamp(size: number): string | undefined {
    const isTimestamp = (size === 4 || size === 8 || size === 12) && this.bytes[this.at] === TIMESTAMP;
    return isTimestamp ? this.skip(size + 1) : 'unknown type or extension';
  }

  private open(count: number, isMap: boolean): string | undefined {
    const tokens = isMap ? count * 2 : count;
    // Each takes a byte at least.
    if (tokens > this.bytes.length - this.at) {
      return 'a declared size goes beyond the end';
    }
    this.expected.push(tokens);
    this.maps.push(isMap);
    return undefined;
  }

  private text(size: number, isKey: boolean): string | undefined {
    const { bytes, at } = this;
    const refusal = this.skip(size);
    if (refusal !== undefined) {
      return refusal;
    }
    if (isKey && isForbiddenKeyAt(bytes, at, at + size)) {
      return 'forbidden key';
    }
    // Also because the decoder takes overlong sequences, which would spell a forbidden key in other bytes.
    for (let index = at; index < at + size; index += 1) {
      if (bytes[index]! > 0x7f) {
        return isUtf8(bytes.subarray(index, at + size)) ? undefined : 'invalid UTF-8';
      }
    }
    return undefined;
  }
}
