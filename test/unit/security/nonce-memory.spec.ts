import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NonceMemory } from '../../../lib/security/nonce-memory.js';

function memory({ windowMs = 1_000, maxNonces = 100, now = 50_000 } = {}) {
  const clock = { now };
  return { clock, nonces: new NonceMemory({ windowMs, maxNonces, now: () => clock.now }) };
}

describe('NonceMemory', () => {
  it('takes a nonce once', () => {
    const { nonces } = memory();
    expect([nonces.use('a', 50_000), nonces.use('a', 50_000), nonces.use('b', 50_000)]).toEqual([
      'fresh',
      'replayed',
      'fresh',
    ]);
  });

  it.each([
    [48_999, 'expired'],
    [49_000, 'fresh'],
    [51_000, 'fresh'],
    [51_001, 'expired'],
    [Number.NaN, 'expired'],
  ] as const)('takes a stamp as far from now as its window at most: %s is %s', (time, use) => {
    const { nonces } = memory();
    expect(nonces.use('a', time)).toBe(use);
  });

  it('remembers a nonce from the future until its stamp is past the window', () => {
    const { clock, nonces } = memory();
    nonces.use('a', 51_000);
    clock.now = 52_000;
    expect(nonces.use('a', 51_000)).toBe('replayed');
    clock.now = 52_001;
    expect(nonces.use('a', 51_000)).toBe('expired');
  });

  it('takes nothing more when it is full, but still tells what it knows', () => {
    const { nonces } = memory({ maxNonces: 2 });
    nonces.use('a', 50_000);
    nonces.use('b', 50_100);
    expect([nonces.use('c', 50_000), nonces.use('a', 50_000), nonces.size]).toEqual(['busy', 'replayed', 2]);
  });

  it('has room again a quarter of a window after its nonces have expired', () => {
    const { clock, nonces } = memory({ maxNonces: 2 });
    nonces.use('a', 50_000);
    nonces.use('b', 50_000);
    clock.now = 51_250;
    expect([nonces.use('c', 51_250), nonces.size]).toEqual(['fresh', 1]);
  });

  it('never lets the same nonce pass twice while the clock goes on', () => {
    const steps = fc.array(
      fc.record({ pass: fc.nat(300), nonce: fc.nat(3), age: fc.integer({ min: -1_100, max: 1_100 }) }),
      { size: 'large' },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 1_000 }), (all, windowMs) => {
        const { clock, nonces } = memory({ windowMs, maxNonces: 20 });
        const passed = new Set<string>();
        let passedTwice = false;
        for (const { pass, nonce, age } of all) {
          clock.now += pass;
          // Coarse stamps, so that the same one comes more than once.
          const time = Math.round((clock.now - age) / 100) * 100;
          if (nonces.use(`${nonce}`, time) === 'fresh') {
            passedTwice ||= passed.has(`${nonce} ${time}`);
            passed.add(`${nonce} ${time}`);
          }
        }
        expect({ passedTwice, isBounded: nonces.size <= 20 }).toEqual({ passedTwice: false, isBounded: true });
      }),
    );
  });
});
