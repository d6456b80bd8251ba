import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FuzzTarget } from './fuzz-target.js';
import { check } from './oracle.js';

const target = (fuzz: FuzzTarget['fuzz']): FuzzTarget => ({
  fuzz,
  allocation: { base: 1024 ** 2, factor: 100 },
  maxBytes: 100,
  arbitrary: fc.constant(Buffer.alloc(0)),
  seeds: () => [],
});
const kept: Buffer[] = [];

describe('what is demanded of every input', () => {
  it('is that it does not throw, now or later', async () => {
    const fail = () => {
      throw new RangeError('out of bounds');
    };
    await expect(check(target(fail), Buffer.alloc(1))).rejects.toThrow('out of bounds');
    await expect(
      check(
        target(async () => fail()),
        Buffer.alloc(1),
      ),
    ).rejects.toThrow('out of bounds');
  });

  it('is that it takes no longer than ten milliseconds', async () => {
    const dawdle = () => {
      const start = performance.now();
      const cpu = process.cpuUsage();
      // Other threads of the process add to its time, so that alone may pass twice as fast as the clock.
      while (performance.now() - start < 20 || process.cpuUsage(cpu).user + process.cpuUsage(cpu).system < 20_000);
    };
    await expect(check(target(dawdle), Buffer.alloc(1))).rejects.toThrow(/took \d/);
    await expect(
      check(
        target(() => undefined),
        Buffer.alloc(1),
      ),
    ).resolves.toBeUndefined();
  });

  it('is that it allocates in proportion to its length', async () => {
    const hoard = () => void kept.push(Buffer.alloc(2 * 1024 ** 2));
    await expect(check(target(hoard), Buffer.alloc(10))).rejects.toThrow('allocate');
    kept.length = 0;
  });
});
