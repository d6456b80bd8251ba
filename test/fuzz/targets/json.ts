import fc from 'fast-check';
import { decodeJsonMessage } from '../../../lib/wire/json-mode.js';
import { Malformed } from '../../../lib/wire/malformed.js';
import { routeOf } from '../../../lib/wire/pattern.js';
import { LIMITS } from '../../support/wire.js';
import type { FuzzTarget } from '../fuzz-target.js';

const STRICT = { ...LIMITS, maxBatchPackets: 64, maxTokens: 2_000 };
const UNSAFE_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
/** Beyond that the target would test how deep this very function can go. */
const MAX_VISITS = 10_000;

/** A message in JSON mode. */
export function fuzz(data: Buffer): void {
  const items = decodeJsonMessage(data, STRICT);
  if (items instanceof Malformed) {
    return;
  }
  if (items.length > STRICT.maxBatchPackets) {
    throw new Error('More packets than allowed');
  }
  for (const item of items) {
    if (!(item instanceof Malformed) && item.kind !== 'cancel') {
      expectSafe(item.data);
      expectSafe(item.metadata);
      const route = routeOf(item.pattern);
      if (route === undefined || Buffer.byteLength(route) > STRICT.maxPatternLength) {
        throw new Error('A pattern breaks its limits');
      }
    }
  }
}

function expectSafe(value: unknown): void {
  const waiting = [value];
  for (let visits = 0; waiting.length > 0 && visits < MAX_VISITS; visits++) {
    const next = waiting.pop();
    if (typeof next === 'object' && next !== null && !ArrayBuffer.isView(next)) {
      if (!Array.isArray(next) && Object.keys(next).some(key => UNSAFE_KEYS.has(key))) {
        throw new Error('A forbidden key was let in');
      }
      waiting.push(...Object.values(next));
    }
  }
}

const anyCall = fc.record(
  {
    pattern: fc.oneof(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 1 })),
    data: fc.jsonValue(),
    id: fc.oneof(fc.string({ maxLength: 70 }), fc.integer()),
    metadata: fc.dictionary(fc.string({ maxLength: 5 }), fc.string({ maxLength: 5 }), { noNullPrototype: true }),
    timeout: fc.integer(),
    cancel: fc.boolean(),
  },
  { requiredKeys: ['pattern'] },
);

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 4 * 1024 ** 2, factor: 400 },
  maxBytes: 16 * 1024,
  arbitrary: fc
    .oneof(anyCall, fc.array(anyCall, { maxLength: 6 }), fc.jsonValue())
    .map(message => Buffer.from(JSON.stringify(message))),
  seeds: () =>
    [
      '{"pattern":"sum","data":[1,2,3],"id":"1"}',
      '{"pattern":{"cmd":"sum"},"data":{"$base64":"AAEC"},"id":"1","metadata":{"a":"b"},"timeout":100}',
      '[{"pattern":"a","data":null},{"id":"1","cancel":true}]',
      '{"pattern":"a","data":{"__proto__":{}}}',
      '{"pattern":"a","data":{"\\u005f_proto__":1}}',
      `{"pattern":"a","data":${'['.repeat(40)}${']'.repeat(40)}}`,
      `{"pattern":"a","data":${'9'.repeat(100)}}`,
      ' \n[ {"pattern" : "a\\"b" , "data" : "\\ud83d\\ude00" } ]',
      `[${'{},'.repeat(200)}{}]`,
    ].map(text => Buffer.from(text)),
};
