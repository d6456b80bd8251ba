import { describe, expect, it } from 'vitest';
import {
  reportEnd,
  reportHead,
  reportJson,
  reportRow,
  type DrillResult,
} from '../../../../lib/cli/drill/drill-report.js';
import type { Measurement } from '../../../../lib/cli/drill/measurement.js';
import { judge } from '../../../../lib/cli/drill/verdict.js';
import { measurement, outcome, phase } from '../../../support/attacks/measurement.js';

const ATTACK = { id: 'A2', title: 'a message without end', exhausts: 'memory' };

function result(fields: Partial<Measurement> = {}): DrillResult {
  const measured = measurement(fields);
  return { attack: ATTACK, measurement: measured, verdict: judge(measured, { budget: 64 * 1024 ** 2 }) };
}

const cells = (row: string) => row.trim().split(/ {2,}/);

describe('the table of a drill', () => {
  it('has a row for an attack', () => {
    expect(cells(reportRow(result()))).toEqual(['A2', '+10 MB', '1.00', '120 ms, closed', 'held', ATTACK.title]);
  });

  it('has its columns below their headings', () => {
    const row = reportRow(result());
    const [, ...headings] = cells(reportHead());
    const [, ...values] = cells(row);
    expect(headings.map(heading => reportHead().indexOf(`  ${heading}`))).toEqual(
      values.map(value => row.indexOf(`  ${value}`)),
    );
  });

  it('has a dash where there is nothing to say', () => {
    const row = reportRow(result({ memory: undefined, outcomes: [outcome({ heldAfterMs: null, evicted: false })] }));
    expect(cells(row)).toEqual(['A2', '–', '1.00', '–', 'held, memory unknown', ATTACK.title]);
  });

  it('gives the reasons below a failure', () => {
    const [row = '', ...reasons] = reportRow(result({ attacked: phase({ goodput: 100, lost: 3 }) })).split('\n');
    expect(cells(row)).toContain('FAILED');
    expect(reasons.map(reason => reason.trim())).toEqual([
      'honest goodput fell to 0.20 of what it was, below 0.8',
      '3 honest requests were never answered',
    ]);
  });

  it('ends with a summary', () => {
    expect(reportEnd([result(), result()])).toBe('All 2 held.');
    expect(reportEnd([result(), result({ answersAfter: false })])).toBe('1 of 2 did not hold.');
    expect(reportEnd([result({ memory: undefined })])).toContain('--pid');
  });
});

describe('the report for programs', () => {
  it('holds every figure', () => {
    const report = JSON.parse(reportJson([result({ memory: undefined })])) as Record<string, unknown>;
    expect(report).toMatchObject({
      held: true,
      attacks: [{ id: 'A2', held: true, reasons: [], goodputRatio: 1, memory: null, outcomes: [{ heldAfterMs: 120 }] }],
    });
  });
});
