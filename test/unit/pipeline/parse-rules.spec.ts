import 'reflect-metadata';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import type { Bytes } from '../../../lib/options/bytes.js';
import { Concurrency, Priority } from '../../../lib/pipeline/concurrency.decorator.js';
import type { ZmqHandlerLimits, ZmqRateLimit } from '../../../lib/pipeline/handler-limits.js';
import { MaxMessageSize, MaxResponseSize } from '../../../lib/pipeline/max-message-size.decorator.js';
import { parseRules } from '../../../lib/pipeline/parse-rules.js';
import { RateLimit, SkipRateLimit } from '../../../lib/pipeline/rate-limit.decorator.js';
import { refusalOf } from '../../support/refusal.js';

const GIBI = 1024 ** 3;

const BAD_SIZES: readonly unknown[] = [
  ['1 gb', '1mib', '1k', 'kb', '', ' ', '-1', '-1kb', '1e3kb', '0x10', '1,5mb', '1.2.3kb', 'Infinity', '1kbb'],
  [-1, 0, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER, GIBI + 1],
  [null, true, {}, [], [1], Symbol('1kb'), 10n, () => 1],
  // More than any message may have, but not more than may pass in a while.
  ['2gb'],
].flat();

function outcomeOf(limits: unknown): string {
  try {
    return Object.isFrozen(parseRules(limits, 'limits')) ? 'frozen' : 'not frozen';
  } catch (error) {
    return error instanceof ZmqException ? `${error.code} ${error.message}` : `failed: ${String(error)}`;
  }
}

describe('parseRules()', () => {
  it('understands sizes with units, in any case, and what is around them', () => {
    const size = (maxMessageSize: unknown) => parseRules({ maxMessageSize }, 'limits').maxMessageSize;
    expect(['512b', '1kb', '1.5MB', ' 1Gb ', 7].map(size)).toEqual([512, 1_024, 1_572_864, GIBI, 7]);
  });

  it.each(BAD_SIZES)('refuses the size %s, and names the option', value => {
    for (const name of ['maxMessageSize', 'maxResponseSize']) {
      const { code, message } = refusalOf(() => parseRules({ [name]: value }, 'ZmqModule options.limits'));
      expect(code).toBe('INVALID_OPTIONS');
      expect(message).toContain(`ZmqModule options.limits.${name} must be`);
    }
    expect(refusalOf(() => MaxMessageSize(value as Bytes)).message).toContain('@MaxMessageSize()');
    expect(refusalOf(() => MaxResponseSize(value as Bytes)).message).toContain('@MaxResponseSize()');
  });

  it.each(BAD_SIZES.slice(0, -1))('refuses %s as bytes of a rate', value => {
    const bytes = typeof value === 'number' && value > GIBI ? 1024 * GIBI + 1 : value;
    const refusal = refusalOf(() => RateLimit({ bytes: bytes as Bytes }));
    expect(refusal).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('@RateLimit().rateLimit.bytes') as string,
    });
  });

  it('takes any size within bounds, as a number and as text', () => {
    fc.assert(
      fc.property(fc.integer({ min: 64, max: GIBI }), size => {
        const expected = { maxMessageSize: size, maxResponseSize: size };
        expect(parseRules({ maxMessageSize: size, maxResponseSize: size }, 'limits')).toEqual(expected);
        expect(parseRules({ maxMessageSize: `${size}b`, maxResponseSize: `${size}B` }, 'limits')).toEqual(expected);
      }),
    );
  });

  it('either understands anything or refuses it with INVALID_OPTIONS, and leaves what it was given alone', () => {
    const names = ['maxMessageSize', 'onViolation', 'maxResponseSize', 'rateLimit', 'skipRateLimit', 'concurrency'];
    const anyLimits = fc.dictionary(
      fc.constantFrom(...names, 'priority', 'other'),
      fc.oneof(fc.anything(), fc.record({ points: fc.anything(), duration: fc.anything() }), fc.integer()),
    );
    fc.assert(
      fc.property(fc.oneof(anyLimits, fc.anything()), limits => {
        const before = fc.stringify(limits);
        expect(outcomeOf(limits)).toMatch(/^(frozen|INVALID_OPTIONS .*limits)/);
        expect(fc.stringify(limits)).toBe(before);
      }),
      { numRuns: 500 },
    );
  });

  it('leaves out what is not given', () => {
    expect(parseRules(undefined, 'limits')).toEqual({});
    expect(parseRules({ priority: undefined }, 'limits')).toEqual({});
    expect(parseRules({ rateLimit: [] }, 'limits')).toEqual({ rateLimit: [] });
  });

  it('completes rates', () => {
    const by = () => 'x';
    expect(parseRules({ rateLimit: [{ points: 5 }, { bytes: '1kb', duration: 5, by, name: 'n' }] }, 'limits')).toEqual({
      rateLimit: [
        { points: 5, bytes: undefined, duration: 1_000, by: 'peer', name: undefined },
        { points: undefined, bytes: 1_024, duration: 5, by, name: 'n' },
      ],
    });
  });

  it.each<[limits: object, message: string]>([
    [{ rateLimit: {} }, 'limits.rateLimit must have points, bytes or both'],
    [{ rateLimit: [{ points: 1 }, { duration: 5 }] }, 'limits.rateLimit[1] must have points, bytes or both'],
    [{ rateLimit: { points: 0 } }, 'limits.rateLimit.points'],
    [{ rateLimit: { points: 1.5 } }, 'limits.rateLimit.points'],
    [{ rateLimit: { points: '5' } }, 'limits.rateLimit.points'],
    [{ rateLimit: { points: 1, duration: 0 } }, 'limits.rateLimit.duration'],
    [{ rateLimit: { points: 1, duration: '1s' } }, 'limits.rateLimit.duration'],
    [{ rateLimit: { points: 1, by: 'ip' } }, 'limits.rateLimit.by must be one of peer, address, identity'],
    [{ rateLimit: { points: 1, name: '' } }, 'limits.rateLimit.name'],
    [{ rateLimit: { points: 1, name: 'x'.repeat(65) } }, 'limits.rateLimit.name'],
    [{ rateLimit: { points: 1, per: 'second' } }, "limits.rateLimit has no option 'per'"],
    [{ rateLimit: 5 }, 'limits.rateLimit must be an object'],
    [{ onViolation: 'drop' }, 'limits.onViolation must be one of reject, discard, disconnect'],
    [{ skipRateLimit: 'yes' }, 'limits.skipRateLimit'],
    [{ concurrency: 5 }, 'limits.concurrency must be an object'],
    [{ concurrency: {} }, 'limits.concurrency.limit must be given'],
    [{ concurrency: { limit: 0 } }, 'limits.concurrency.limit'],
    [{ concurrency: { limit: 1, queue: -1 } }, 'limits.concurrency.queue'],
    [{ priority: 'high' }, 'limits.priority must be one of critical, normal'],
    [{ maxSize: 5 }, "limits has no option 'maxSize'"],
  ])('refuses %o', (limits, message) => {
    const refusal = refusalOf(() => parseRules(limits, 'limits'));
    expect(refusal).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(message) as string });
  });
});

describe('decorators', () => {
  it.each<[name: string, decorate: () => unknown]>([
    ['@MaxMessageSize().maxMessageSize', () => MaxMessageSize(undefined as unknown as Bytes)],
    ['@MaxMessageSize().onViolation', () => MaxMessageSize(1, { onViolation: 'drop' as 'discard' })],
    ['@MaxResponseSize().maxResponseSize', () => MaxResponseSize(undefined as unknown as Bytes)],
    ['@RateLimit()', () => RateLimit()],
    ['@RateLimit().rateLimit', () => RateLimit(undefined as unknown as ZmqRateLimit)],
    ['@RateLimit().rateLimit[1].points', () => RateLimit({ points: 1 }, { points: -1 })],
    ['@SkipRateLimit().skipRateLimit', () => SkipRateLimit('no' as unknown as boolean)],
    ['@Concurrency().concurrency.limit', () => Concurrency(undefined as unknown as number)],
    ['@Concurrency().concurrency.queue', () => Concurrency(1, { queue: Number.NaN })],
    ['@Priority().priority', () => Priority(undefined as unknown as NonNullable<ZmqHandlerLimits['priority']>)],
  ])('name themselves: %s', (name, decorate) => {
    const refusal = refusalOf(decorate);
    expect(refusal).toMatchObject({ code: 'INVALID_OPTIONS', message: expect.stringContaining(name) as string });
  });
});
