import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Metric, Reading } from '../telemetry/reading.js';

/** How a file of weather records maps to readings: each row becomes one reading per column listed. */
export interface WeatherFile {
  readonly name: string;
  readonly deviceId: (row: WeatherRow) => string;
  readonly columns: readonly (readonly [column: string, metric: Metric])[];
}

type WeatherRow = Readonly<Record<string, string>>;

/** Seattle and New York by day, 2012 to 2015; a day's highest and lowest temperature are two readings. */
export const DAILY_WEATHER: WeatherFile = {
  name: 'weather.csv',
  deviceId: row => slug(row['location'] ?? ''),
  columns: [
    ['temp_min', 'temperature'],
    ['temp_max', 'temperature'],
    ['precipitation', 'precipitation'],
    ['wind', 'wind'],
  ],
};

/** What is normal in Seattle, for each hour of a year. */
export const HOURLY_NORMALS: WeatherFile = {
  name: 'seattle-weather-hourly-normals.csv',
  deviceId: () => 'seattle-hourly',
  columns: [
    ['temperature', 'temperature'],
    ['pressure', 'pressure'],
    ['wind', 'wind'],
  ],
};

/** All readings in the weather records of NOAA that the package `vega-datasets` ships, some 38,000. */
export async function loadWeatherReadings(): Promise<Reading[]> {
  const packageMain = createRequire(import.meta.url).resolve('vega-datasets');
  const folder = join(dirname(packageMain), '..', 'data');
  const readings = [DAILY_WEATHER, HOURLY_NORMALS].map(async file =>
    parseWeather(await readFile(join(folder, file.name), 'utf8'), file),
  );
  return (await Promise.all(readings)).flat();
}

/** @throws Error naming file, row and column if a value is missing or no number. */
export function parseWeather(csv: string, file: WeatherFile): Reading[] {
  const rows = parse<WeatherRow>(csv, { columns: true, skip_empty_lines: true });
  return rows.flatMap((row, index) =>
    file.columns.map(([column, metric]) => ({
      deviceId: file.deviceId(row),
      metric,
      value: toNumber(row[column], `${file.name}, row ${index + 1}, ${column}`),
      ...(row['date'] !== undefined && { at: row['date'] }),
    })),
  );
}

function toNumber(text: string | undefined, where: string): number {
  const value = Number(text);
  // Number('') is 0, which would turn a gap in the records into a measurement.
  if (text === undefined || text.trim() === '' || !Number.isFinite(value)) {
    throw new Error(`${where}: expected a number, found "${text ?? ''}"`);
  }
  return value;
}

/** `New York` becomes `new-york`. */
function slug(name: string): string {
  return name.toLowerCase().replaceAll(' ', '-');
}
