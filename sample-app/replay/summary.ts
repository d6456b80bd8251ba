import type { MetricStatistics } from '../telemetry/running-statistics.js';
import type { DeviceStatistics } from '../telemetry/telemetry.patterns.js';
import type { ReplayResult } from './replay.js';

export interface DeviceSummary {
  readonly deviceId: string;
  readonly statistics: DeviceStatistics;
}

const HEADINGS = ['device', 'metric', 'count', 'min', 'max', 'mean', 'last'];
/** Columns from here on hold numbers. */
const FIRST_NUMBER = 2;

/** What was replayed and how fast, and a table of what the service now knows of each device. */
export function formatSummary({ stored, seconds }: ReplayResult, devices: readonly DeviceSummary[]): string {
  const rate = integer(stored / seconds);
  const rows = devices.flatMap(({ deviceId, statistics }) =>
    Object.entries(statistics).map(([metric, values]) => [deviceId, metric, ...numbers(values)]),
  );
  return [
    `${integer(stored)} readings stored in ${seconds.toFixed(1)} s, ${rate} a second`,
    '',
    ...table([HEADINGS, ...rows]),
  ].join('\n');
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
