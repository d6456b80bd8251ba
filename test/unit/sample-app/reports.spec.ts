import { describe, expect, it } from 'vitest';
import { ProgressLines } from '../../../sample-app/replay/progress.js';
import { formatSummary } from '../../../sample-app/replay/summary.js';
import { gatewaySettings, serviceSettings } from '../../../sample-app/settings.js';

describe('ProgressLines', () => {
  it('prints a line for each tenth of the work', () => {
    const lines: string[] = [];
    const progress = new ProgressLines(1_000, line => lines.push(line));
    for (let done = 0; done < 1_000; done += 1) progress.advance();

    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe('10 % | 100 of 1000 readings');
    expect(lines[9]).toBe('100 % | 1000 of 1000 readings');
  });
});

describe('formatSummary', () => {
  it('aligns a table of all metrics of all devices', () => {
    const summary = formatSummary({ stored: 37_965, seconds: 2 }, [
      { deviceId: 'seattle', statistics: { wind: { count: 1_461, min: 0.4, max: 9.5, mean: 3.25, last: 3.5 } } },
    ]);

    expect(summary).toBe(
      [
        '37,965 readings stored in 2.0 s, 18,983 a second',
        '',
        'device   metric  count  min  max  mean  last',
        'seattle  wind    1,461  0.4  9.5   3.3   3.5',
      ].join('\n'),
    );
  });
});

describe('settings', () => {
  it('default to the ports of the documentation', () => {
    expect(serviceSettings({})).toEqual({ bind: 'tcp://127.0.0.1:5555' });
    expect(gatewaySettings({})).toEqual({ httpPort: 3000, serviceUrl: 'tcp://127.0.0.1:5555' });
  });

  it.each(['', 'http', '-1', '65536', '3000.5', '0x10'])('refuse "%s" as HTTP_PORT', HTTP_PORT => {
    expect(() => gatewaySettings({ HTTP_PORT })).toThrow(
      `HTTP_PORT must be a number from 0 to 65535, not "${HTTP_PORT}"`,
    );
  });
});
