import { describe, expect, it } from 'vitest';
import { HeapPressure, type Collection } from '../../../lib/limits/heap-pressure.js';
import { FakeClock } from '../../support/fake-clock.js';
import { until } from '../../support/zmq-app.js';

function setUp() {
  const clock = new FakeClock();
  const memory = { resident: 100 };
  const log: (Collection | 'tidy')[] = [];
  const pressure = new HeapPressure({
    allowance: 80,
    clock,
    resident: () => memory.resident,
    collect: how => log.push(how),
    tidy: () => log.push('tidy'),
  });
  pressure.start();
  return { clock, memory, log, pressure };
}

describe('pressure on the heap', () => {
  it('begins when memory has grown by half of what it may', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 139;
    clock.advance(1_000);
    expect(log).toEqual([]);
    memory.resident = 141;
    clock.advance(100);
    expect(log).toEqual(['gentle']);
  });

  it('is not repeated where it had no effect, until memory has grown by a further eighth', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 148;
    clock.advance(2_000);
    expect(log).toEqual(['gentle', 'tidy']);
    memory.resident = 159;
    clock.advance(100);
    expect(log).toEqual(['gentle', 'tidy', 'gentle']);
  });

  it('begins as early as ever once memory has come back', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 150;
    clock.advance(1_000);
    memory.resident = 101;
    clock.advance(1_000);
    memory.resident = 141;
    clock.advance(100);
    expect(log).toEqual(['gentle', 'tidy', 'gentle']);
  });

  it('takes back small growth after some seconds, gently and once', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 105;
    clock.advance(2_900);
    expect(log).toEqual([]);
    clock.advance(20_000);
    expect(log).toEqual(['gentle', 'tidy']);
  });

  it('is full once after a flood, when that is over', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 150;
    clock.advance(500);
    memory.resident = 130;
    clock.advance(2_000);
    expect(log).toEqual(['gentle', 'tidy']);
    clock.advance(30_000);
    expect(log).toEqual(['gentle', 'tidy', 'full', 'gentle', 'tidy']);
  });

  it('is full at once when memory comes near to what it may, and not again where that had no effect', () => {
    const { clock, memory, log } = setUp();
    memory.resident = 141;
    clock.advance(100);
    memory.resident = 165;
    clock.advance(100);
    expect(log).toEqual(['gentle', 'full']);
    clock.advance(2_000);
    expect(log).toEqual(['gentle', 'full', 'gentle', 'tidy']);
    memory.resident = 176;
    clock.advance(100);
    expect(log.at(-1)).toBe('full');
  });

  it('leaves no timer behind', () => {
    const { clock, pressure } = setUp();
    pressure.stop();
    expect(clock.pending).toBe(0);
  });

  it('makes V8 collect, without taking memory and without leaving any behind', async () => {
    const rubbish = Array.from({ length: 400 }, (_, index) => Buffer.alloc(64 * 1024, 97).toString('latin1') + index);
    await new Promise(resolve => setTimeout(resolve, 50));
    rubbish.length = 0;
    const before = process.memoryUsage();
    let growth = 0;
    const pressure = new HeapPressure({ allowance: 80, resident: () => growth });
    pressure.start();
    // A flood, and its end.
    growth = 1_000;
    await until(() => process.memoryUsage().heapUsed < before.heapUsed - 10 * 1024 * 1024);
    growth = 0;
    await until(() => process.memoryUsage().external < before.external + 32 * 1024 * 1024);
    pressure.stop();
    expect(process.memoryUsage().rss - before.rss).toBeLessThan(32 * 1024 * 1024);
  });
});
