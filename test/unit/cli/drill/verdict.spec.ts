import { describe, expect, it } from 'vitest';
import type { Measurement } from '../../../../lib/cli/drill/measurement.js';
import { goodputRatio, judge } from '../../../../lib/cli/drill/verdict.js';
import { measurement, outcome, phase } from '../../../support/attacks/measurement.js';

const MEBI = 1024 ** 2;
const BUDGET = 64 * MEBI;

function verdictOn(fields: Partial<Measurement>) {
  return judge(measurement(fields), { budget: BUDGET });
}

describe('the verdict on a target', () => {
  it('is that it held if memory and honest clients were as before', () => {
    expect(verdictOn({})).toEqual({ held: true, memoryJudged: true, reasons: [] });
  });

  it('allows what was there at rest, the budget and 32 MB', () => {
    const rest = 50 * MEBI;
    expect(verdictOn({ memory: { rest, warm: rest, peak: rest + 96 * MEBI } }).held).toBe(true);
    const { held, reasons } = verdictOn({ memory: { rest, warm: rest, peak: rest + 97 * MEBI } });
    expect(held).toBe(false);
    expect(reasons).toEqual(['memory grew by 97 MB, more than the budget of 64 MB allows']);
  });

  it('says so when memory was not looked at', () => {
    expect(verdictOn({ memory: undefined })).toEqual({ held: true, memoryJudged: false, reasons: [] });
  });

  it('asks for 0.8 of the goodput', () => {
    expect(verdictOn({ attacked: phase({ goodput: 400 }) }).held).toBe(true);
    expect(verdictOn({ attacked: phase({ goodput: 399 }) }).reasons).toEqual([
      'honest goodput fell to 0.80 of what it was, below 0.8',
    ]);
    expect(judge(measurement({ attacked: phase({ goodput: 350 }) }), { budget: 0, leastGoodput: 0.7 }).held).toBe(true);
  });

  it('never holds a target for well that did not answer before', () => {
    expect(verdictOn({ baseline: phase({ goodput: 0 }), attacked: phase({ goodput: 0 }) }).held).toBe(false);
  });

  it.each([
    [{ attacked: phase({ lost: 2 }) }, '2 honest requests were never answered'],
    [{ attacked: phase({ wrong: 1 }) }, '1 honest requests got a wrong answer'],
    [{ attacked: phase({ evictions: 1 }) }, '1 honest connections were closed'],
    [{ answersAfter: false }, 'the target does not answer any more'],
    [{ stopped: true }, 'the attack was stopped before the machine ran out of memory'],
    [{ outcomes: [outcome(), outcome({ breaches: { 'a peer was answered': 3 } })] }, 'a peer was answered (3 times)'],
  ])('is that it did not hold after %o', (fields, reason) => {
    expect(verdictOn(fields)).toMatchObject({ held: false, reasons: [reason] });
  });

  it('forgives requests that were refused, as far as goodput allows', () => {
    expect(verdictOn({ attacked: phase({ refused: 10 }) }).held).toBe(true);
  });
});

describe('the ratio of goodput', () => {
  it('compares with what there was right before', () => {
    expect(goodputRatio(measurement({ attacked: phase({ goodput: 250 }) }))).toBe(0.5);
  });
});
