import { beforeEach, describe, expect, it } from 'vitest';
import { ProgressWatch, TICK_MS } from '../../../../lib/cli/drill/progress-watch.js';
import { FakeClock } from '../../../support/fake-clock.js';

let clock: FakeClock;
let watch: ProgressWatch;

function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += TICK_MS) {
    clock.advance(TICK_MS);
    watch.tick();
  }
}

beforeEach(() => {
  clock = new FakeClock();
  watch = new ProgressWatch(clock);
});

describe('the moment from which an attacker is held', () => {
  it('is that of its last gain before a quarter of a second without one', () => {
    pass(100);
    watch.progress();
    pass(250);
    watch.progress();
    expect(watch.verdict).toEqual({ afterMs: 100, evicted: false });
  });

  it('does not come while it gains something now and then', () => {
    for (let round = 0; round < 10; round += 1) {
      pass(200);
      watch.progress();
    }
    expect(watch.verdict).toEqual({ afterMs: null, evicted: false });
  });

  it('is the start if it never gained anything', () => {
    pass(300);
    expect(watch.verdict).toEqual({ afterMs: 0, evicted: false });
  });

  it('is that of the loss of its last connection', () => {
    pass(100);
    watch.evicted();
    expect(watch.verdict).toEqual({ afterMs: 100, evicted: true });
  });

  it('does not come when it was the machine that gave it no turn', () => {
    watch.progress();
    clock.advance(1_000);
    watch.tick();
    watch.progress();
    expect(watch.verdict.afterMs).toBeNull();
  });
});
