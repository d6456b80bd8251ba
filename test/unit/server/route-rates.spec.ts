import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ZmqContext, type ZmqPeer } from '../../../lib/pipeline/zmq.context.js';
import { RateCounter, type NamedRule, type Sender, type SharedRates } from '../../../lib/server/route-rates.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const RULE: NamedRule = { name: 'n', points: 1, bytes: undefined, duration: 1_000, by: 'peer' };

function senderOf(peer: ZmqPeer, metadata?: Record<string, string>): Sender {
  return { peer, context: () => new ZmqContext({ pattern: 'p', metadata, peer, deadline: undefined }) };
}

/** Whether each of the senders has a key of its own. */
function counted(by: NamedRule['by'], ...senders: readonly Sender[]): number {
  const counter = new RateCounter({ ...RULE, by }, 1_000, undefined);
  const now = performance.now();
  return senders.filter(sender => counter.take(sender, 1, now) === 0).length;
}

const ONE: ZmqPeer = { id: '01', address: '10.0.0.1', identity: 'ann' };
const TWO: ZmqPeer = { id: '02', address: '10.0.0.1', identity: 'ben' };
const THREE: ZmqPeer = { id: '03', address: '10.0.0.2', identity: 'ann' };

describe('RateCounter', () => {
  it('counts by connection, address, name or function', () => {
    const all = [ONE, TWO, THREE].map(peer => senderOf(peer));
    expect(counted('peer', ...all)).toBe(3);
    expect(counted('address', ...all)).toBe(2);
    expect(counted('identity', ...all)).toBe(2);
    expect(counted(() => 'all', ...all)).toBe(1);
    expect(counted(context => context.getPeer().id, ...all)).toBe(3);
  });

  it('counts those without an address together, and those without a name by connection', () => {
    const all = [senderOf({ id: '01' }), senderOf({ id: '02' })];
    expect(counted('address', ...all)).toBe(1);
    expect(counted('identity', ...all)).toBe(2);
  });

  it('counts whoever the function fails for together', () => {
    const fail = () => {
      throw new Error('failed');
    };
    expect(counted(fail, senderOf(ONE), senderOf(TWO))).toBe(1);
    const symbolic = () => ({ [Symbol.toPrimitive]: fail }) as unknown as string;
    expect(counted(symbolic, senderOf(ONE), senderOf(TWO))).toBe(1);
  });

  it('keeps nothing of the texts that keys are parts of', () => {
    const SENDERS = 2_000;
    const PADDING = 'p'.repeat(8_000);
    const counter = new RateCounter(
      { ...RULE, by: context => (context.getMetadata()?.['tenant'] ?? '').slice(0, 40) },
      10_000,
      undefined,
    );
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < SENDERS; i++) {
      // Read from bytes, as metadata are: a text that was put together would not be kept as one.
      const tenant = Buffer.from(`${i}-${'k'.repeat(60)}${PADDING}`).toString();
      counter.take(senderOf(ONE, { tenant }), 1, performance.now());
    }
    collectGarbage();
    expect(counter.size).toBe(SENDERS);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan((SENDERS * PADDING.length) / 4);
  });

  it('counts promises together, and lets none of them reject unheard', () => {
    const late = (() => Promise.reject(new Error('too late'))) as unknown as () => string;
    expect(counted(late, senderOf(ONE), senderOf(TWO))).toBe(1);
  });

  it('bounds the length of keys', () => {
    expect(counted(() => 'x'.repeat(1_000_000), senderOf(ONE), senderOf(TWO))).toBe(1);
    const long = (context: ZmqContext) => 'x'.repeat(256) + context.getPeer().id;
    expect(counted(long, senderOf(ONE), senderOf(TWO))).toBe(1);
  });

  it('makes a context for functions only', () => {
    const sender: Sender = {
      peer: ONE,
      context: () => {
        throw new Error('not needed');
      },
    };
    expect(counted('peer', sender)).toBe(1);
  });

  it('asks the store where there is one, and before decoding only what is known of it', async () => {
    const asked: unknown[] = [];
    const shared: SharedRates = {
      consume: (rule, key, bytes) => {
        asked.push([rule.name, key, bytes]);
        return Promise.resolve(7);
      },
      blockedFor: (_rule, key) => (key === '02' ? 5 : 0),
    };
    const counter = new RateCounter(RULE, 10, shared);
    expect([counter.take(senderOf(ONE), 1, 0), counter.take(senderOf(TWO), 1, 0)]).toEqual([0, 5]);
    expect(asked).toEqual([]);
    expect(await counter.takeShared(senderOf(ONE), 9)).toBe(7);
    expect(asked).toEqual([['n', '01', 9]]);
    expect(counter.size).toBe(0);
  });

  it('keeps what it has counted under another limit, and forgets it when told', () => {
    const counter = new RateCounter(RULE, 10, undefined);
    const now = performance.now();
    expect(counter.take(senderOf(ONE), 1, now)).toBe(0);
    expect(counter.adjusted({ ...RULE, duration: 5_000 }, 1_000).take(senderOf(ONE), 1, now)).toBe(5_000);
    counter.clear();
    expect(counter.take(senderOf(ONE), 1, now)).toBe(0);
  });
});
