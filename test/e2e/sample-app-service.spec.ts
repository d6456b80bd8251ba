import { ClientZmq, ZmqException } from 'nestjs-zeromq';
import { firstValueFrom, from, lastValueFrom, mergeMap, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../sample-app/telemetry/reading.js';
import { readingRecord } from '../../sample-app/telemetry/reading-record.js';
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
    const stored = from(readings).pipe(
      mergeMap(reading => client.send('telemetry.ingest', readingRecord(reading)), 100),
    );
    await lastValueFrom(stored);
    const known = client.send('telemetry.watch', {}).pipe(take(readings.length), toArray());

    expect(await firstValueFrom(known)).toHaveLength(readings.length);
  });

  it('refuses a wrong reading with the wrong fields as details', async () => {
    const refused = call('telemetry.ingest', { deviceId: 'a b', metric: 'wind', value: 1 });

    await expect(refused).rejects.toBeInstanceOf(ZmqException);
    await expect(refused).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'deviceId', rules: ['isDeviceId'], messages: [expect.any(String)] }], omitted: 0 },
    });
  });

  it('survives wrong events', async () => {
    await lastValueFrom(client.emit('telemetry.reading', { deviceId: 'a b' }), { defaultValue: undefined });

    expect(await call('echo', 1)).toBe(1);
  });

  it.each(['telemetry.ingest', 'telemetry.stats', 'telemetry.watch'])('takes at most 4 KB for %s', async pattern => {
    await expect(call(pattern, { deviceId: 'x'.repeat(4096) })).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      details: { limit: 4096 },
    });
    await expect(call(pattern, { deviceId: 'x'.repeat(4000) })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('echoes large data', async () => {
    const data = 'x'.repeat(1024 * 1024);

    expect(await call('echo', data)).toBe(data);
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

describe('the memory budget of the telemetry service', () => {
  it('is what MEMORY_BUDGET says, among the limits that it prints at the start, and suffices for large blobs', async () => {
    const env = { ZMQ_BIND: 'tcp://127.0.0.1:*', MEMORY_BUDGET: '8mb' };
    const service = SampleProgram.start({ name: 'service', env });
    const endpoint = await service.endpoint();
    expect(service.output).toMatch(/^memory budget +8 MB for all clients together$/m);
    expect(service.output).toMatch(/^largest message +1\.1 MB, 16 frames$/m);
    expect(service.output).toContain(endpoint);

    const client = new ClientZmq({ connect: endpoint, timeout: 10_000 });
    const blobs = from([1, 2, 3, 4, 5, 6, 7, 8].map(value => Buffer.alloc(1024 * 1024, value)));
    const stored = await lastValueFrom(
      blobs.pipe(
        mergeMap(blob => client.send('blobs.put', blob)),
        toArray(),
      ),
    );
    expect(stored).toHaveLength(8);

    await client.close();
    await service.stop();
  });
});

describe('the rate of readings that the telemetry service takes', () => {
  const RATE = 3;
  let service: SampleProgram;
  let client: ClientZmq;

  beforeAll(async () => {
    const env = { ZMQ_BIND: 'tcp://127.0.0.1:*', INGEST_RATE: String(RATE) };
    service = SampleProgram.start({ name: 'service', env });
    client = new ClientZmq({ connect: await service.endpoint(), timeout: 10_000 });
  });

  afterAll(async () => {
    await client?.close();
    await service?.stop();
  });

  /** The codes of the errors, and 'stored' for each reading that is taken. */
  const ingest = (deviceIds: readonly string[]) =>
    Promise.all(
      deviceIds.map(deviceId =>
        firstValueFrom(client.send('telemetry.ingest', readingRecord({ deviceId, metric: 'wind', value: 1 }))).then(
          () => 'stored',
          (error: ZmqException) => error.code,
        ),
      ),
    );

  it('is what INGEST_RATE says, and printed at the start beside the other limits of handlers', () => {
    expect(service.output).toMatch(/^telemetry\.ingest +up to 4 KB, 3 a second of each device$/m);
    expect(service.output).toMatch(/^telemetry\.reading +up to 4 KB, 3 a second of each device$/m);
    expect(service.output).toMatch(/^telemetry\.stats +up to 4 KB, 16 at a time, 128 more wait$/m);
    expect(service.output).toMatch(/^blobs\.put +up to 1 MB$/m);
    expect(service.output).not.toMatch(/^echo /m);
  });

  it('holds for each device by itself', async () => {
    const devices = ['roof', 'roof', 'roof', 'roof', 'cellar', 'cellar', 'cellar'];

    expect(await ingest(devices)).toEqual([
      ...Array.from({ length: RATE }, () => 'stored'),
      'RATE_LIMITED',
      ...Array.from({ length: RATE }, () => 'stored'),
    ]);
  });

  it('tells the sender when there is room again, and a client that may retry gets through', async () => {
    await ingest(Array.from({ length: RATE }, () => 'attic'));
    const record = readingRecord({ deviceId: 'attic', metric: 'wind', value: 2 });
    const refused = firstValueFrom(client.send('telemetry.ingest', record));
    await expect(refused).rejects.toMatchObject({ details: { retryAfterMs: expect.any(Number) } });

    const patient = new ClientZmq({ connect: await service.endpoint(), retry: 10 });
    const delays: number[] = [];
    patient.on('retry', (_pattern, _attempt, delayMs) => delays.push(delayMs));
    expect(await firstValueFrom(patient.send('telemetry.ingest', record))).toEqual({ stored: true });
    await patient.close();
    expect(delays[0]).toBeLessThanOrEqual(Math.ceil(1_000 / RATE));
  });

  it('counts events and requests of a device together', async () => {
    const events = Array.from({ length: RATE }, () => ({ deviceId: 'hall', metric: 'wind', value: 1 }));
    await lastValueFrom(
      from(events).pipe(mergeMap(reading => client.emit('telemetry.reading', readingRecord(reading)))),
    );

    expect(await ingest(['hall'])).toEqual(['RATE_LIMITED']);
  });

  it('counts a sender that names no device by its connection', async () => {
    const reading = { deviceId: 'garden', metric: 'wind', value: 1 };
    const unnamed = Array.from({ length: RATE + 1 }, () => firstValueFrom(client.send('telemetry.ingest', reading)));
    const outcomes = await Promise.allSettled(unnamed);

    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: RATE }, () => 'fulfilled'),
      'rejected',
    ]);
  });

  it('leaves other patterns alone', async () => {
    const calls = Array.from({ length: 20 * RATE }, () => firstValueFrom(client.send('echo', 1)));

    expect(await Promise.all(calls)).toHaveLength(20 * RATE);
  });
});
