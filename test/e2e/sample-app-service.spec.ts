import { ClientZmq, ZmqException } from 'nestjs-zeromq';
import { firstValueFrom, from, lastValueFrom, mergeMap, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../sample-app/telemetry/reading.js';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { SampleProgram } from '../support/sample-program.js';

const MAX_DEVICES = 1_000;

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);
afterAll(SampleProgram.killLeftovers);

describe('the telemetry service of the sample app', () => {
  let service: SampleProgram;
  let client: ClientZmq;

  beforeAll(async () => {
    service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: 'tcp://127.0.0.1:*' } });
    client = new ClientZmq({ connect: await service.endpoint(), timeout: 10_000, limits: { maxMessageSize: '4mb' } });
  });

  afterAll(async () => {
    await client?.close();
    await service?.stop();
  });

  const call = <T = unknown>(pattern: string, data: unknown) => firstValueFrom(client.send<T>(pattern, data));

  it.each([['text'], [42], [{ deep: [{ a: null }] }], [Buffer.from([0, 255, 128])]])(
    'echoes %j as it was sent',
    async data => {
      expect(await call('echo', data)).toEqual(data);
    },
  );

  it('stores readings that come as events', async () => {
    const live = firstValueFrom(client.send('telemetry.watch', { deviceId: 'by-event' }));
    await lastValueFrom(client.emit('telemetry.reading', { deviceId: 'by-event', metric: 'wind', value: 5 }), {
      defaultValue: undefined,
    });

    expect(await live).toMatchObject({ deviceId: 'by-event', metric: 'wind', value: 5 });
    expect(await call('telemetry.stats', { deviceId: 'by-event' })).toEqual({
      wind: { count: 1, min: 5, max: 5, mean: 5, last: 5 },
    });
  });

  it('streams all devices to whoever names none', async () => {
    for (const deviceId of ['one', 'two']) {
      await call('telemetry.ingest', { deviceId, metric: 'pressure', value: 1_000 });
    }
    const known = client.send<{ deviceId: string; value: number }>('telemetry.watch', {});
    const seen = await firstValueFrom(known.pipe(take(3), toArray()));

    expect(seen.map(({ deviceId }) => deviceId)).toEqual(expect.arrayContaining(['one', 'two']));
  });

  it('streams the last readings of as many devices as it keeps, all metrics of each', async () => {
    const readings = Array.from({ length: MAX_DEVICES }, (_, index) => `device-${index}`).flatMap(deviceId =>
      METRICS.map(metric => ({ deviceId, metric, value: 1 })),
    );
    const stored = from(readings).pipe(mergeMap(reading => client.send('telemetry.ingest', reading), 100));
    await lastValueFrom(stored);
    const known = client.send('telemetry.watch', {}).pipe(take(readings.length), toArray());

    expect(await firstValueFrom(known)).toHaveLength(readings.length);
  });

  it('refuses a wrong reading with the wrong fields as details', async () => {
    const refused = call('telemetry.ingest', { deviceId: 'a b', metric: 'wind', value: 1 });

    await expect(refused).rejects.toBeInstanceOf(ZmqException);
    await expect(refused).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { deviceId: [expect.any(String)] },
    });
  });

  it('survives wrong events', async () => {
    await lastValueFrom(client.emit('telemetry.reading', { deviceId: 'a b' }), { defaultValue: undefined });

    expect(await call('echo', 1)).toBe(1);
  });

  it('takes blobs as raw bytes only, up to 1 MB', async () => {
    await expect(call('blobs.put', { bytes: 'aGVsbG8=' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await expect(call('blobs.put', Buffer.alloc(1024 * 1024 + 1))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { limit: 1024 * 1024, actual: 1024 * 1024 + 1 },
    });
    await expect(call('blobs.put', Buffer.alloc(2 * 1024 * 1024))).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });
});
