import type { Type } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { ZmqValidationPipe, type ZmqFieldError } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { BlobQueryDto } from '../../../sample-app/blobs/dto/blob-query.dto.js';
import { ReadingDto } from '../../../sample-app/telemetry/dto/reading.dto.js';
import { StatsQueryDto } from '../../../sample-app/telemetry/dto/stats-query.dto.js';
import { WatchQueryDto } from '../../../sample-app/telemetry/dto/watch-query.dto.js';

const VALID = { deviceId: 'Station_7.north-east', metric: 'wind', value: -0.5 };

const validate = (dto: Type, payload: unknown): Promise<unknown> =>
  new ZmqValidationPipe().transform(payload, { type: 'body', metatype: dto });

interface Refusal {
  readonly code: string;
  readonly details: { readonly fields: readonly ZmqFieldError[] };
}

/** The error that a caller gets for a payload. */
async function refusal(dto: Type, payload: unknown): Promise<Refusal> {
  const error: unknown = await validate(dto, payload).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RpcException);
  return (error as RpcException).getError() as Refusal;
}

describe('ReadingDto', () => {
  it.each([
    ['without a time', VALID],
    ['with a date', { ...VALID, at: '2012-02-29' }],
    ['with a date and time', { ...VALID, at: '2012-02-29T13:00:00.250+01:00' }],
    ['with an id of 64 characters', { ...VALID, deviceId: 'x'.repeat(64) }],
  ])('accepts a reading %s', async (_, payload) => {
    await expect(validate(ReadingDto, payload)).resolves.toEqual(payload);
  });

  it.each([
    ['an empty deviceId', { ...VALID, deviceId: '' }, 'deviceId'],
    ['a deviceId of 65 characters', { ...VALID, deviceId: 'x'.repeat(65) }, 'deviceId'],
    ['a deviceId of a million characters', { ...VALID, deviceId: 'x'.repeat(1_000_000) }, 'deviceId'],
    ['a deviceId with a slash', { ...VALID, deviceId: 'a/b' }, 'deviceId'],
    ['a deviceId that ends in a line break', { ...VALID, deviceId: 'a\n' }, 'deviceId'],
    ['a deviceId that is no string', { ...VALID, deviceId: ['a'] }, 'deviceId'],
    ['an unknown metric', { ...VALID, metric: 'constructor' }, 'metric'],
    ['a value in quotes', { ...VALID, value: '1' }, 'value'],
    ['a value that is not finite', { ...VALID, value: Infinity }, 'value'],
    ['a value that is no number', { ...VALID, value: Number.NaN }, 'value'],
    ['a day that does not exist', { ...VALID, at: '2012-02-30' }, 'at'],
    ['a time that is no date', { ...VALID, at: 'yesterday' }, 'at'],
    ['a week date', { ...VALID, at: '2012-W05-2' }, 'at'],
    ['an overlong date', { ...VALID, at: `2012-01-01T00:00:00.${'0'.repeat(100_000)}Z` }, 'at'],
    ['a field too many', { ...VALID, admin: true }, 'admin'],
  ])('refuses %s and names the field', async (_, payload, field) => {
    const { code, details } = await refusal(ReadingDto, payload);

    expect(code).toBe('VALIDATION_FAILED');
    expect(details.fields.map(({ path }) => path)).toEqual([field]);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a string', 'reading'],
    ['a number', 1],
    ['an array of readings', [VALID]],
    ['bytes', Buffer.from(JSON.stringify(VALID))],
  ])('refuses %s in place of a reading', async (_, payload) => {
    expect(await refusal(ReadingDto, payload)).toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});

describe('queries', () => {
  it('needs a device for statistics and takes a metric', async () => {
    await expect(validate(StatsQueryDto, { deviceId: 'a' })).resolves.toEqual({ deviceId: 'a' });
    await expect(validate(StatsQueryDto, { deviceId: 'a', metric: 'wind' })).resolves.toMatchObject({ metric: 'wind' });
    expect(await refusal(StatsQueryDto, {})).toMatchObject({ details: { fields: [{ path: 'deviceId' }] } });
    expect(await refusal(StatsQueryDto, { deviceId: 'a', metric: 'x' })).toMatchObject({
      details: { fields: [{ path: 'metric' }] },
    });
  });

  it('watches all devices when none is named', async () => {
    await expect(validate(WatchQueryDto, {})).resolves.toEqual({});
    await expect(validate(WatchQueryDto, undefined)).resolves.toEqual({});
  });

  it('finds blobs by 64 lower-case hexadecimal digits only', async () => {
    await expect(validate(BlobQueryDto, { sha256: 'a1'.repeat(32) })).resolves.toBeDefined();
    for (const sha256 of ['A1'.repeat(32), 'a1'.repeat(31), 'a1'.repeat(33), '../'.repeat(22)]) {
      expect(await refusal(BlobQueryDto, { sha256 })).toMatchObject({ details: { fields: [{ path: 'sha256' }] } });
    }
  });
});
