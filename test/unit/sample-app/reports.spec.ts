import { ServerZmq, type ZmqLimitsInForce } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { formatLimits } from '../../../sample-app/limits/limits-text.js';
import { ProgressLines } from '../../../sample-app/replay/progress.js';
import { selectReadings } from '../../../sample-app/replay/selection.js';
import { formatSummary } from '../../../sample-app/replay/summary.js';
import { gatewaySettings, serviceSettings } from '../../../sample-app/settings.js';
import { readingRate } from '../../../sample-app/telemetry/reading-rate.js';

const NO_RATE = { points: undefined, bytes: undefined, duration: 1_000, by: 'peer', name: undefined } as const;

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

describe('selectReadings', () => {
  const readings = ['a', 'b', 'a', 'a', 'b', 'c'].flatMap((deviceId, index) =>
    Array.from({ length: 10 }, (_, copy) => ({ deviceId, value: index * 10 + copy })),
  );

  it('takes all readings at a rate that has time for them', () => {
    expect(selectReadings(readings, 2)).toEqual(readings);
  });

  it('takes the first 15 seconds of each device at a lower rate, in their order', () => {
    const values = selectReadings(readings, 1).map(({ value }) => value);

    expect(values).toHaveLength(15 + 15 + 10);
    expect(values).toEqual(values.toSorted((one, other) => one - other));
    expect(values).not.toContain(25);
  });
});

describe('formatSummary', () => {
  it('aligns a table of all metrics of all devices', () => {
    const summary = formatSummary({ stored: 37_965, seconds: 2, retries: 0 }, { rate: 20_000, available: 37_965 }, [
      { deviceId: 'seattle', statistics: { wind: { count: 1_461, min: 0.4, max: 9.5, mean: 3.25, last: 3.5 } } },
    ]);

    expect(summary).toBe(
      [
        '37,965 readings stored in 2.0 s, 18,983 a second',
        'the limit of 20,000 a second of each device was never reached',
        '',
        'device   metric  count  min  max  mean  last',
        'seattle  wind    1,461  0.4  9.5   3.3   3.5',
      ].join('\n'),
    );
  });
});

describe('formatSummary of a replay that was limited', () => {
  const limited = (stored: number) =>
    formatSummary({ stored, seconds: 14, retries: 2_345 }, { rate: 50, available: 37_965 }, []).split('\n');

  it('tells how often readings had to wait', () => {
    expect(limited(37_965)).toContain(
      'limited to 50 a second of each device: 2,345 times one was refused and sent again',
    );
    expect(limited(37_965).join()).not.toContain('left out');
  });

  it('tells how many were left out', () => {
    expect(limited(2_250)).toContain('left out the other 35,715, which would take too long');
  });
});

describe('formatLimits', () => {
  it('prints the limits that are in force', () => {
    const server = new ServerZmq({
      memoryBudget: '64mb',
      limits: { maxMessageSize: 1.5 * 1024 ** 2 },
      gate: { maxFrames: 4, rate: { bytes: '10mb' }, acceptRate: 5 },
    });
    server.setGateLimits({ acceptRate: 1_500, minRate: '512b' });
    const limits = formatLimits(['tcp://127.0.0.1:5555'], server.limits);

    expect(limits.split('\n')).toEqual([
      'endpoint            tcp://127.0.0.1:5555',
      'memory budget       64 MB for all clients together',
      'largest message     1.5 MB, 4 frames',
      'connections         up to 10,000 as far as the budget goes, 1,024 of one address',
      'new connections     1,500 a second of one address',
      'messages            1,000,000 a second, 2,000,000 of one address',
      'bytes               10 MB a second, 8 GB of one address',
      'time for a message  10 s, and a second for every 512 bytes',
    ]);
  });

  it('prints those of each handler that has any', () => {
    const handlers: ZmqLimitsInForce['handlers'] = {
      plain: {},
      small: { maxMessageSize: 4096 },
      measured: {
        rateLimit: [
          { ...NO_RATE, points: 2_000, by: readingRate(2_000).by ?? 'peer' },
          { ...NO_RATE, bytes: 1024, duration: 60_000 },
        ],
      },
      few: { maxMessageSize: 100, concurrency: { limit: 16, queue: 128 } },
    };
    const limits = formatLimits([], { ...new ServerZmq({}).limits, handlers });

    expect(limits.split('\n').slice(-3)).toEqual([
      'small               up to 4 KB',
      'measured            2,000 a second of each device, 1 KB in 60 s of each peer',
      'few                 up to 100 bytes, 16 at a time, 128 more wait',
    ]);
  });
});

describe('settings', () => {
  it('default to the ports of the documentation', () => {
    expect(serviceSettings({})).toEqual({
      bind: 'tcp://127.0.0.1:5555',
      memoryBudget: 64 * 1024 ** 2,
      ingestRate: 2_000,
    });
    expect(gatewaySettings({})).toEqual({ httpPort: 3000, serviceUrl: 'tcp://127.0.0.1:5555' });
  });

  it.each(['', 'http', '-1', '65536', '3000.5', '0x10'])('refuse "%s" as HTTP_PORT', HTTP_PORT => {
    expect(() => gatewaySettings({ HTTP_PORT })).toThrow(
      `HTTP_PORT must be a number from 0 to 65535, not "${HTTP_PORT}"`,
    );
  });

  it.each([
    ['8mb', 8 * 1024 ** 2],
    ['65536kb', 64 * 1024 ** 2],
    ['1GB', 1024 ** 3],
    ['8388608b', 8 * 1024 ** 2],
  ])('take "%s" as MEMORY_BUDGET', (MEMORY_BUDGET, memoryBudget) => {
    expect(serviceSettings({ MEMORY_BUDGET })).toMatchObject({ memoryBudget });
  });

  it.each(['', '64', '64 mb', '-64mb', '1e3mb', 'NaNmb', '64mbytes', '7mb', '65gb', '999999999999gb'])(
    'refuse "%s" as MEMORY_BUDGET',
    MEMORY_BUDGET => {
      expect(() => serviceSettings({ MEMORY_BUDGET })).toThrow(
        `MEMORY_BUDGET must be a size such as "64mb", from 8mb to 64gb, not "${MEMORY_BUDGET}"`,
      );
    },
  );

  it.each([
    ['1', 1],
    ['50', 50],
    ['1000000', 1_000_000],
  ])('take "%s" as INGEST_RATE', (INGEST_RATE, ingestRate) => {
    expect(serviceSettings({ INGEST_RATE })).toMatchObject({ ingestRate });
  });

  it.each(['', '0', '-5', '1.5', '1e3', '0x10', ' 50', '50/s', 'NaN', 'Infinity', '1000001', '99999999999'])(
    'refuse "%s" as INGEST_RATE',
    INGEST_RATE => {
      expect(() => serviceSettings({ INGEST_RATE })).toThrow(
        `INGEST_RATE must be a whole number of readings a second, from 1 to 1000000, not "${INGEST_RATE}"`,
      );
    },
  );
});
