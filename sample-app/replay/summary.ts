import type { MetricStatistics } from '../telemetry/running-statistics.js';
import type { DeviceStatistics } from '../telemetry/telemetry.patterns.js';
import type { ReplayResult } from './replay.js';

export interface DeviceSummary {
  readonly deviceId: string;
  readonly statistics: DeviceStatistics;
}

/** What the replay was held to. */
export interface ReplayLimits {
  /** Readings a second of each device. */
  readonly rate: number;
  /** Readings that there are. */
  readonly available: number;
}

const HEADINGS = ['device', 'metric', 'count', 'min', 'max', 'mean', 'last'];
/** Columns from here on hold numbers. */
const FIRST_NUMBER = 2;

/** What was replayed and how fast, and a table of what the service now knows of each device. */
export function formatSummary(
  { stored, seconds, retries }: ReplayResult,
  limits: ReplayLimits,
  devices: readonly DeviceSummary[],
): string {
  const rate = integer(stored / seconds);
  const rows = devices.flatMap(({ deviceId, statistics }) =>
    Object.entries(statistics).map(([metric, values]) => [deviceId, metric, ...numbers(values)]),
  );
  return [
    `${integer(stored)} readings stored in ${seconds.toFixed(1)} s, ${rate} a second`,
    ...limitLines(limits, { stored, retries }),
    '',
    ...table([HEADINGS, ...rows]),
  ].join('\n');
}

/** Whether the service's limit was felt, and what was left out because of it. */
function limitLines({ rate, available }: ReplayLimits, { stored, retries }: Omit<ReplayResult, 'seconds'>): string[] {
  const limit = `${integer(rate)} a second of each device`;
  return [
    retries === 0
      ? `the limit of ${limit} was never reached`
      : `limited to ${limit}: ${integer(retries)} times one was refused and sent again`,
    ...(stored < available ? [`left out the other ${integer(available - stored)}, which would take too long`] : []),
  ];
}

function numbers({ count, min, max, mean, last }: MetricStatistics): string[] {
  return [integer(count), ...[min, max, mean, last].map(value => value.toFixed(1))];
}

function integer(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  return rows.map(row => row.map((cell, column) => align(cell, column, widths[column] ?? 0)).join('  '));
}

function align(cell: string, column: number, width: number): string {
  return column < FIRST_NUMBER ? cell.padEnd(width) : cell.padStart(width);
}
