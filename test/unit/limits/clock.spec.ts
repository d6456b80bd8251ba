import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../lib/limits/clock.js';

describe('systemClock', () => {
  it('runs a callback once after its time, and a cancelled one never', async () => {
    const ran: string[] = [];
    const started = systemClock.now();
    const cancel = systemClock.after(5, () => ran.push('cancelled'));
    cancel();
    await new Promise<void>(resolve => {
      // The timers of the clock keep no process alive, so this test brings one that does.
      const keepAlive = setTimeout(() => undefined, 5_000);
      systemClock.after(10, () => {
        ran.push('kept');
        clearTimeout(keepAlive);
        resolve();
      });
    });
    expect(ran).toEqual(['kept']);
    expect(systemClock.now() - started).toBeGreaterThanOrEqual(8);
  });
});
