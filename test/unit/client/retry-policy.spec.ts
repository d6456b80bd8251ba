import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBeSentAgain, policyOfCall, retryDelay } from '../../../lib/client/retry-policy.js';
import { ZMQ_ERROR_CODES } from '../../../lib/errors/error-codes.js';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';

const POLICY = { attempts: 3, minDelay: 100, maxDelay: 1_000 };

function delayFor(details: unknown, { attempts = 0, random = 1 } = {}): number | undefined {
  const refusal = new ZmqException('RATE_LIMITED', 'Not now.', { details });
  return retryDelay(POLICY, { refusal, attempts, random: () => random });
}

describe('mayBeSentAgain', () => {
  it('is true for the codes after which no handler has run, of each side its own', () => {
    const codesOf = (by: 'server' | 'client') =>
      ZMQ_ERROR_CODES.filter(code => mayBeSentAgain(new ZmqException(code, ''), by));
    expect(codesOf('server')).toEqual(['RATE_LIMITED', 'OVERLOADED']);
    expect(codesOf('client')).toEqual(['BACKPRESSURE']);
  });

  it.each([undefined, null, 'RATE_LIMITED', { code: 'RATE_LIMITED' }, new Error('RATE_LIMITED')])(
    'is false for %o, which is no error of this library',
    error => {
      expect(mayBeSentAgain(error, 'server')).toBe(false);
    },
  );
});

describe('retryDelay', () => {
  it.each([0, 1, 30.5, 1_000])('is what the refusal asks for: %d ms', retryAfterMs => {
    expect(delayFor({ retryAfterMs })).toBe(retryAfterMs);
    expect(delayFor({ retryAfterMs, more: 'x' }, { attempts: 2, random: 0 })).toBe(retryAfterMs);
  });

  it.each([1_000.5, 1_001, 2 ** 31])('gives up where the refusal asks for more than maxDelay: %d ms', retryAfterMs => {
    expect(delayFor({ retryAfterMs })).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    'text',
    7,
    true,
    [30],
    {},
    { retryAfterMs: undefined },
    { retryAfterMs: null },
    { retryAfterMs: '30' },
    { retryAfterMs: [30] },
    { retryAfterMs: -1 },
    { retryAfterMs: NaN },
    { retryAfterMs: Infinity },
    { retryAfterMs: 2 ** 31 + 1 },
    { retryAfterMs: Number.MAX_VALUE },
  ])('is that of the client where the details are %j', details => {
    expect(delayFor(details)).toBe(100);
  });

  it('grows from attempt to attempt, half of it at random', () => {
    const delays = (random: number) => [0, 1, 2].map(attempts => delayFor(undefined, { attempts, random }));
    expect(delays(1)).toEqual([100, 200, 400]);
    expect(delays(0)).toEqual([50, 100, 200]);
  });

  it('is none once the attempts are used up', () => {
    expect(delayFor(undefined, { attempts: 3 })).toBeUndefined();
    expect(delayFor({ retryAfterMs: 1 }, { attempts: 3 })).toBeUndefined();
  });

  it('is within the bounds of the policy, whatever the other side says', () => {
    fc.assert(
      fc.property(fc.anything(), fc.nat(2), fc.double({ min: 0, max: 1, noNaN: true }), (details, attempts, random) => {
        const delay = delayFor(details, { attempts, random });
        expect(delay === undefined || (delay >= 0 && delay <= POLICY.maxDelay)).toBe(true);
      }),
    );
  });
});

describe('policyOfCall', () => {
  it('has its own attempts and the delays of the client', () => {
    expect(policyOfCall(9, POLICY)).toEqual({ ...POLICY, attempts: 9 });
  });

  it('has the usual delays where the client has none', () => {
    expect(policyOfCall(9, undefined)).toEqual({ attempts: 9, minDelay: 100, maxDelay: 5_000 });
  });

  it('is none for false', () => {
    expect(policyOfCall(false, POLICY)).toBeUndefined();
  });
});
