import type { Random } from './random.js';
import { mutateFrames } from './frame-mutations.js';

/** Words that the formats are made of. */
const WORDS = [
  'READY',
  'HELLO',
  'INITIATE',
  'WELCOME',
  'PING',
  'PONG',
  'ERROR',
  'SUBSCRIBE',
  'CANCEL',
  'Socket-Type',
  'Identity',
  'DEALER',
  'ROUTER',
  'REQ',
  'SUB',
  'NULL',
  'PLAIN',
  '\xff\0\0\0\0\0\0\0\0\x7f\x03\x01',
  '\xf5',
  '\x04',
  '\x06',
  '\x01\0',
  '{"pattern":',
  '"data":',
  '"id":"1"',
  '"cancel":true',
  '"metadata":{}',
  '"timeout":1',
  '{"$base64":"',
  '"__proto__":',
  '[[[[[[[[',
  ']]]]]]]]',
  '{},{},{},',
  '1e999',
  '-0',
  '\\u005f',
  '\\',
  '"',
  '\xed\xa0\x80',
  '\xef\xbf\xbd',
  'null',
  '00000000',
  '\xdd\xff\xff\xff\xff',
  '\xdf\xff\xff\xff\xff',
  '\xc6\x7f\xff\xff\xff',
  '\xd9\xff',
  '\xc9\0\0\xff\xff\x01',
  '\x92\x92\x92',
].map(word => Buffer.from(word, 'latin1'));

const NUMBERS = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
];
const LONG_NUMBERS = [...NUMBERS, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];

type Mutation = (data: Buffer, random: Random, pool: readonly Buffer[]) => Buffer;

const splice = (data: Buffer, at: number, removed: number, inserted: Uint8Array) =>
  Buffer.concat([data.subarray(0, at), inserted, data.subarray(at + removed)]);

/** Somewhere in the data, and some bytes from there on. */
function range(data: Buffer, random: Random): { readonly at: number; readonly length: number } {
  const at = random.below(data.length + 1);
  return { at, length: Math.min(data.length - at, random.small()) };
}

function number(random: Random): Buffer {
  const size = random.pick([1, 2, 4, 8]);
  const value = random.pick(size === 8 ? LONG_NUMBERS : NUMBERS) & (2n ** BigInt(8 * size) - 1n);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes.subarray(8 - size);
}

const MUTATIONS: readonly Mutation[] = [
  (data, random) => {
    const copy = Buffer.from(data);
    if (copy.length > 0) {
      copy[random.below(copy.length)]! ^= 1 << random.below(8);
    }
    return copy;
  },
  (data, random) => splice(data, random.below(data.length + 1), 1, Buffer.of(random.below(256))),
  (data, random) => {
    const bytes = number(random);
    return splice(data, random.below(data.length + 1), random.pick([0, bytes.length]), bytes);
  },
  (data, random) => {
    const word = random.pick(WORDS);
    return splice(data, random.below(data.length + 1), random.pick([0, word.length]), word);
  },
  (data, random) => {
    const { at, length } = range(data, random);
    return splice(data, at, length, Buffer.alloc(0));
  },
  (data, random) => {
    const { at, length } = range(data, random);
    const times = random.pick([1, 1, 2, 10, 200]);
    return splice(data, at, 0, Buffer.concat(Array.from({ length: times }, () => data.subarray(at, at + length))));
  },
  (data, random) => data.subarray(0, random.below(data.length + 1)),
  (data, random, pool) => {
    const other = random.pick(pool);
    return Buffer.concat([
      data.subarray(0, random.below(data.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ]);
  },
  (data, random) =>
    splice(
      data,
      random.below(data.length + 1),
      0,
      Buffer.alloc(random.pick([1, 16, 255, 256, 5_000, 40_000]), random.below(256)),
    ),
  mutateFrames,
  mutateFrames,
];

/** Another input made of one of the pool: of its bytes, or of its frames where it has such. */
export function mutate(pool: readonly Buffer[], random: Random, maxBytes: number): Buffer {
  let data = random.pick(pool);
  for (let times = 1 + random.below(5); times > 0; times--) {
    data = random.pick(MUTATIONS)(data, random, pool).subarray(0, maxBytes);
  }
  return Buffer.from(data);
}
