import type { WritePacket } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { ClientRequest } from '../../../lib/client/client-request.js';
import type { ClientSession } from '../../../lib/client/client-session.js';
import { Retries } from '../../../lib/client/retries.js';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { DeadlineWheel } from '../../../lib/limits/deadline-wheel.js';
import type { RetryPolicy } from '../../../lib/options/retry-options.js';
import { FakeClock } from '../../support/fake-clock.js';

/** The deadline wheel may be so late. */
const LATE_MS = 20;
const POLICY: RetryPolicy = { attempts: 3, minDelay: 100, maxDelay: 1_000 };

function refusal(retryAfterMs?: number, code = 'RATE_LIMITED'): ZmqException {
  return new ZmqException(code, 'Not now.', retryAfterMs === undefined ? {} : { details: { retryAfterMs } });
}

interface Outcome {
  readonly error?: unknown;
  readonly value?: unknown;
}

function setUp({ retry }: { retry: RetryPolicy | undefined } = { retry: POLICY }) {
  const clock = new FakeClock();
  const wheel = new DeadlineWheel(clock);
  const sent: ClientRequest[] = [];
  const told: [attempt: number, delay: number, code: string][] = [];
  let onRetry: (request: ClientRequest) => void = () => undefined;
  let settled = 0;
  const retries = new Retries({
    wheel,
    send: request => sent.push(request),
    onRetry: (request, { attempt, delay, refusal: { code } }) => {
      told.push([attempt, delay, code]);
      onRetry(request);
    },
    random: () => 1,
  });
  const owner = { wheel, clock, retries, requestSettled: () => void settled++ };
  const contents = { route: 'p', data: 1, metadata: '', encoding: 'json' } as const;

  /** A request of the application and what has come of it. */
  const make = (timeout = 0) => {
    const outcomes: Outcome[] = [];
    const request = new ClientRequest(
      contents,
      timeout,
      { window: 0, autoCredit: true, retry },
      owner,
      ({ err, response }: WritePacket) => outcomes.push(err === undefined ? { value: response } : { error: err }),
    );
    return { request, outcomes };
  };
  return {
    clock,
    retries,
    sent,
    told,
    make,
    /** Whether nothing runs any more. */
    isQuiet: () => retries.size === 0 && wheel.size === 0,
    settledCount: () => settled,
    onRetry: (listener: typeof onRetry) => {
      onRetry = listener;
    },
  };
}

describe('A refused request', () => {
  it('is sent again after the time that the refusal asks for, and not before', () => {
    const { clock, sent, told, retries, make } = setUp();
    const { request, outcomes } = make();
    request.refused(refusal(300), 'server');
    expect([retries.size, told]).toEqual([1, [[1, 300, 'RATE_LIMITED']]]);
    clock.advance(299);
    expect(sent).toEqual([]);
    clock.advance(1 + LATE_MS);
    expect([sent, outcomes, retries.size]).toEqual([[request], [], 0]);
  });

  it('is sent again after growing delays where none is asked for', () => {
    const { clock, sent, make } = setUp();
    const { request } = make();
    for (const delay of [100, 200, 400]) {
      const { length } = sent;
      request.refused(refusal(), 'server');
      clock.advance(delay - 1);
      expect(sent).toHaveLength(length);
      clock.advance(1 + LATE_MS);
      expect(sent).toHaveLength(length + 1);
    }
  });

  it('is sent again as often as its policy says, and fails with the last refusal', () => {
    const { clock, sent, make, isQuiet, settledCount } = setUp();
    const { request, outcomes } = make();
    for (let attempt = 0; attempt < 3; attempt++) {
      request.refused(refusal(0), 'server');
      clock.advance(LATE_MS);
    }
    expect([sent.length, outcomes]).toEqual([3, []]);
    const last = refusal(0, 'OVERLOADED');
    request.refused(last, 'server');
    expect([sent.length, outcomes, isQuiet(), settledCount()]).toEqual([3, [{ error: last }], true, 1]);
  });

  it('fails at once without a policy', () => {
    const { make, told, isQuiet } = setUp({ retry: undefined });
    const { request, outcomes } = make();
    const error = refusal(0);
    request.refused(error, 'server');
    expect([outcomes, told, isQuiet()]).toEqual([[{ error }], [], true]);
  });

  it.each([
    ['a time beyond maxDelay', refusal(1_001), 'server'],
    ['BACKPRESSURE of the server, whose handler has run', refusal(0, 'BACKPRESSURE'), 'server'],
    ['DISCONNECTED, of which nobody knows', refusal(0, 'DISCONNECTED'), 'server'],
    ['an error of the handler', refusal(0, 'NOT_FOUND'), 'server'],
    ['an error of the client itself', refusal(0, 'PAYLOAD_TOO_LARGE'), 'client'],
  ] as const)('fails at once after %s', (_what, error, by) => {
    const { make, told, isQuiet } = setUp();
    const { request, outcomes } = make(5_000);
    request.refused(error, by);
    expect([outcomes, told, isQuiet()]).toEqual([[{ error }], [], true]);
  });

  it('is sent again when it found no room in the client', () => {
    const { clock, sent, make } = setUp();
    const { request } = make();
    request.refused(refusal(undefined, 'BACKPRESSURE'), 'client');
    clock.advance(100 + LATE_MS);
    expect(sent).toEqual([request]);
  });

  it('fails after a value has come', () => {
    const { make, told, isQuiet } = setUp();
    const { request, outcomes } = make(1_000);
    request.deliver(7, false);
    const error = refusal(0);
    request.refused(error, 'server');
    expect([outcomes, told, isQuiet()]).toEqual([[{ value: 7 }, { error }], [], true]);
  });

  it('leaves the session that has carried it', () => {
    const { make } = setUp();
    const { request } = make();
    const unloaded: unknown[] = [];
    request.session = { unload: (gone: unknown) => unloaded.push(gone) } as unknown as ClientSession;
    request.refused(refusal(0), 'server');
    expect(unloaded).toEqual([request]);
  });

  it('is answered in the end like any other', () => {
    const { clock, make, isQuiet, settledCount } = setUp();
    const { request, outcomes } = make(1_000);
    request.refused(refusal(10), 'server');
    clock.advance(10 + LATE_MS);
    request.deliver(7, true);
    expect([outcomes, isQuiet(), settledCount()]).toEqual([[{ value: 7 }], true, 1]);
  });
});

describe('The deadline of a refused request', () => {
  it('covers all attempts, of which the server is told', () => {
    const { clock, make } = setUp();
    const { request } = make(1_000);
    expect(request.timeoutMs).toBe(1_000);
    clock.advance(200);
    request.refused(refusal(300), 'server');
    clock.advance(300 + LATE_MS);
    expect(request.timeoutMs).toBeLessThanOrEqual(500);
    expect(request.timeoutMs).toBeGreaterThanOrEqual(500 - LATE_MS);
  });

  it('lets it fail at once with a refusal that asks for more time than is left', () => {
    const { clock, make, isQuiet } = setUp();
    for (const retryAfterMs of [300, 900]) {
      const { request, outcomes } = make(500);
      clock.advance(200);
      const error = refusal(retryAfterMs);
      request.refused(error, 'server');
      expect([outcomes, isQuiet()]).toEqual([[{ error }], true]);
    }
  });

  it('does not exist with a timeout of 0', () => {
    const { clock, make, sent } = setUp();
    const { request } = make(0);
    clock.advance(1_000_000);
    request.refused(refusal(1_000), 'server');
    clock.advance(1_000 + LATE_MS);
    expect([sent, request.timeoutMs]).toEqual([[request], 0]);
  });

  it('lets it fail with the refusal where the process is held up beyond it', () => {
    const { clock, make, sent, isQuiet } = setUp();
    for (const retryAfterMs of [10, 90]) {
      const { request, outcomes } = make(100);
      const error = refusal(retryAfterMs);
      request.refused(error, 'server');
      clock.holdUp(6_000);
      expect([outcomes, sent, isQuiet()]).toEqual([[{ error }], [], true]);
    }
  });

  it('ends an attempt under way with DEADLINE_EXCEEDED', () => {
    const { clock, make, sent, isQuiet } = setUp();
    const { request, outcomes } = make(100);
    request.refused(refusal(10), 'server');
    clock.advance(100 + LATE_MS);
    expect([sent.length, outcomes.length, isQuiet()]).toEqual([1, 1, true]);
    expect(outcomes[0]?.error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});

describe('A wait for the next attempt', () => {
  it('ends without a trace when the application does not want the answer any more', () => {
    const { clock, make, sent, isQuiet, settledCount } = setUp();
    const { request, outcomes } = make(1_000);
    request.refused(refusal(50), 'server');
    request.cancel();
    expect([isQuiet(), settledCount()]).toEqual([true, 1]);
    clock.advance(1_000);
    expect([outcomes, sent, clock.pending]).toEqual([[], [], 0]);
  });

  it('can be ended by who is told of it', () => {
    const { clock, make, sent, isQuiet, onRetry } = setUp();
    onRetry(request => request.cancel());
    const { request, outcomes } = make(1_000);
    request.refused(refusal(50), 'server');
    expect(isQuiet()).toBe(true);
    clock.advance(1_000);
    expect([outcomes, sent]).toEqual([[], []]);
  });

  it('ends with the reason when all end, one timer having been enough for thousands', () => {
    const { clock, make, sent, retries, isQuiet, settledCount } = setUp();
    const reason = new ZmqException('DISCONNECTED', 'closed');
    const made = Array.from({ length: 3_000 }, () => make(10_000));
    for (const [index, { request }] of made.entries()) {
      request.refused(refusal(index % 1_000), 'server');
    }
    expect([retries.size, clock.pending]).toEqual([3_000, 1]);
    retries.failAll(reason);
    expect(made.every(({ outcomes }) => outcomes.length === 1 && outcomes[0]?.error === reason)).toBe(true);
    expect([isQuiet(), settledCount()]).toEqual([true, 3_000]);
    clock.advance(LATE_MS);
    expect([clock.pending, sent]).toEqual([0, []]);
  });
});
