import { describe, expect, it } from 'vitest';
import {
  DAILY_WEATHER,
  HOURLY_NORMALS,
  loadWeatherReadings,
  parseWeather,
} from '../../../sample-app/replay/weather-readings.js';
import { METRICS } from '../../../sample-app/telemetry/reading.js';

describe('parseWeather', () => {
  it('makes four readings of a day', () => {
    const csv =
      'location,date,precipitation,temp_max,temp_min,wind,weather\nNew York,2012-01-02,10.9,10.6,-2.8,4.5,rain\n';

    expect(parseWeather(csv, DAILY_WEATHER)).toEqual([
      { deviceId: 'new-york', metric: 'temperature', value: -2.8, at: '2012-01-02' },
      { deviceId: 'new-york', metric: 'temperature', value: 10.6, at: '2012-01-02' },
      { deviceId: 'new-york', metric: 'precipitation', value: 10.9, at: '2012-01-02' },
      { deviceId: 'new-york', metric: 'wind', value: 4.5, at: '2012-01-02' },
    ]);
  });

  it('makes three readings of an hour', () => {
    const csv = 'date,pressure,temperature,wind\n2010-01-01T01:00:00,1016.6,4.0,3.8\n';
    const at = '2010-01-01T01:00:00';

    expect(parseWeather(csv, HOURLY_NORMALS)).toEqual([
      { deviceId: 'seattle-hourly', metric: 'temperature', value: 4, at },
      { deviceId: 'seattle-hourly', metric: 'pressure', value: 1016.6, at },
      { deviceId: 'seattle-hourly', metric: 'wind', value: 3.8, at },
    ]);
  });

  it.each([
    ['an empty value', '2010-01-01,1016.6,,3.8', 'row 1, temperature: expected a number, found ""'],
    ['a word', '2010-01-01,1016.6,4.0,calm', 'row 1, wind: expected a number, found "calm"'],
  ])('refuses %s and names its place', (_, row, message) => {
    const csv = `date,pressure,temperature,wind\n${row}\n`;

    expect(() => parseWeather(csv, HOURLY_NORMALS)).toThrow(`seattle-weather-hourly-normals.csv, ${message}`);
  });

  it('refuses a file that lacks a column', () => {
    const csv = 'date,pressure\n2010-01-01,1016.6\n';

    expect(() => parseWeather(csv, HOURLY_NORMALS)).toThrow('row 1, temperature: expected a number, found ""');
  });
});

describe('loadWeatherReadings', () => {
  it('reads every record of the NOAA files', async () => {
    const readings = await loadWeatherReadings();
    const countOf = (id: string) => readings.filter(({ deviceId }) => deviceId === id).length;

    expect(readings).toHaveLength(37_965);
    expect(countOf('seattle')).toBe(1_461 * 4);
    expect(countOf('new-york')).toBe(1_461 * 4);
    expect(countOf('seattle-hourly')).toBe(8_759 * 3);
    expect(readings.every(({ metric, value }) => METRICS.includes(metric) && Number.isFinite(value))).toBe(true);
  });
});
