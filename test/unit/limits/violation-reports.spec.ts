import { describe, expect, it } from 'vitest';
import { ViolationReports } from '../../../lib/limits/violation-reports.js';
import { FakeClock } from '../../support/fake-clock.js';

describe('reports of violations', () => {
  it('come once a second of each kind, with the number since the last one', () => {
    const clock = new FakeClock();
    const reports = new ViolationReports(clock);
    const counts = () => [reports.countOf('handler-size'), reports.countOf('handler-rate')];
    expect([counts(), counts(), counts()]).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
    clock.advance(999);
    expect(counts()).toEqual([0, 0]);
    clock.advance(1);
    expect(counts()).toEqual([4, 4]);
  });
});
