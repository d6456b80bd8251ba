import { describe, expect, it } from 'vitest';
import { StatusSource, statusLine } from '../../../../lib/cli/gate/gate-status.js';
import { Traffic } from '../../../../lib/cli/gate/traffic.js';

function create() {
  const traffic = new Traffic();
  const clock = { now: 0 };
  const source = new StatusSource({
    traffic,
    memoryBudget: 64 * 1024 ** 2,
    connections: () => 3,
    heldBytes: () => 1024 ** 2,
    service: () => 'up',
    now: () => clock.now,
  });
  return { traffic, clock, source };
}

describe('the status of the gate program', () => {
  it('has totals, and rates since the last status', () => {
    const { traffic, clock, source } = create();
    for (let count = 0; count < 500; count++) {
      traffic.received([Buffer.alloc(10), Buffer.alloc(5)]);
    }
    traffic.answered([Buffer.alloc(7)]);
    clock.now = 2_000;
    expect(source.read()).toMatchObject({
      messagesIn: 500,
      bytesIn: 7_500,
      inPerSecond: 250,
      messagesOut: 1,
      bytesOut: 7,
      outPerSecond: 1,
    });
    clock.now = 3_000;
    expect(source.read()).toMatchObject({ messagesIn: 500, inPerSecond: 0, outPerSecond: 0 });
  });

  it('has no rates where no time has passed', () => {
    const { traffic, source } = create();
    traffic.received([Buffer.alloc(1)]);
    expect(source.read().inPerSecond).toBe(0);
  });

  it('is one line for people, with what is wrong if something is', () => {
    const status = create().source.read();
    expect(statusLine(status)).toBe('3 peers · 0/s in · 0/s out · held 1 MB of 64 MB · 0 violations');
    expect(statusLine({ ...status, dropped: 2, service: 'down' })).toMatch(/ · 2 dropped · service down$/);
  });
});
