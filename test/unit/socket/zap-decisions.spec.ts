import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Authenticate, AuthenticationFailure, Verdict } from '../../../lib/security/verdict.js';
import { ZapDecisions, type ZapDecision } from '../../../lib/socket/zap-decisions.js';
import type { ZapRequest } from '../../../lib/socket/zap-request.js';
import { ADMITTED, UNKNOWN } from './secure-sockets.js';

const REQUEST: ZapRequest = {
  id: Buffer.from('1'),
  domain: 'd',
  address: '10.0.0.1',
  mechanism: 'CURVE',
  username: undefined,
  password: undefined,
  publicKey: 'k',
};
const never = () => new Promise<Verdict>(() => undefined);

function decide(authenticate: Authenticate | undefined, requests: readonly ZapRequest[] = [REQUEST]) {
  const decided: ZapDecision[] = [];
  const refusals: [AuthenticationFailure, string | undefined][] = [];
  const decisions = new ZapDecisions({
    origin: { listener: 'fields', mechanism: 'CURVE' },
    authenticate,
    deadline: 1_000,
    onRefused: (...refusal) => refusals.push(refusal),
    onFailed: () => undefined,
  });
  for (const request of requests) {
    decisions.decide(request, decision => decided.push(decision));
  }
  return { decisions, decided, refusals };
}

describe('ZapDecisions', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells libzmq the name of who is let in', () => {
    const { decided } = decide(() => ({ admitted: true, identity: { name: 'press-7', roles: [] } }));
    expect(decided).toEqual([{ status: 200, userId: 'press-7' }]);
  });

  it.each([
    ['unknown', 400],
    ['wrong-password', 400],
    ['wrong-address', 400],
    ['anonymous', 400],
    ['too-many', 300],
    ['failed', 300],
  ] as const)('answers %s with %i', (failure, status) => {
    const { decided, refusals } = decide(() => ({ admitted: false, failure }));
    expect(decided).toEqual([{ status, userId: '' }]);
    expect(refusals).toEqual([[failure, '10.0.0.1']]);
  });

  it('waits for 256 decisions at a time and refuses what comes beyond, until the deadline makes room', () => {
    const { decisions, decided, refusals } = decide(never, Array(258).fill(REQUEST));
    expect(decided).toEqual(Array(2).fill({ status: 300, userId: '' }));
    expect(refusals.map(([failure]) => failure)).toEqual(['too-many', 'too-many']);
    vi.advanceTimersByTime(1_000);
    expect(decided).toEqual(Array(258).fill({ status: 300, userId: '' }));
    expect(refusals.slice(2).every(([failure]) => failure === 'failed')).toBe(true);
    decisions.decide(REQUEST, decision => decided.push(decision));
    expect(decided).toHaveLength(258);
  });

  it('answers in the order of the verdicts, and each once', async () => {
    const answers: ((verdict: Verdict) => void)[] = [];
    const { decided } = decide(() => new Promise(resolve => answers.push(resolve)), [REQUEST, REQUEST]);
    answers[1]!(ADMITTED);
    await vi.advanceTimersByTimeAsync(0);
    expect(decided.map(({ status }) => status)).toEqual([200]);
    answers[0]!(UNKNOWN);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(decided.map(({ status }) => status)).toEqual([200, 400]);
  });

  it('tells nothing once it is closed, and leaves no timers', async () => {
    const answers: ((verdict: Verdict) => void)[] = [];
    const { decisions, decided, refusals } = decide(() => new Promise(resolve => answers.push(resolve)));
    decisions.close();
    answers[0]!(UNKNOWN);
    await vi.advanceTimersByTimeAsync(5_000);
    expect([decided, refusals, vi.getTimerCount()]).toEqual([[], [], 0]);
  });

  it('lets in nobody by another mechanism than that of its listener', () => {
    const { decided } = decide(() => ADMITTED, [{ ...REQUEST, mechanism: 'NULL' }]);
    expect(decided).toEqual([{ status: 400, userId: '' }]);
  });
});
