import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { freePort, SampleProgram } from '../support/sample-program.js';
import { serverSentEvents } from '../support/server-sent-events.js';

const MAX_BLOB_SIZE = 1024 * 1024;

const request = (url: string, init: RequestInit = {}) => fetch(url, { signal: AbortSignal.timeout(10_000), ...init });

const postReading = (gateway: string, reading: unknown) =>
  request(`${gateway}/readings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(reading),
  });

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);
afterAll(SampleProgram.killLeftovers);

describe('the HTTP gateway of the sample app', () => {
  let service: SampleProgram;
  let gatewayProgram: SampleProgram;
  let gateway: string;

  beforeAll(async () => {
    service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: 'tcp://127.0.0.1:*' } });
    const env = { HTTP_PORT: '0', ZMQ_URL: await service.endpoint() };
    gatewayProgram = SampleProgram.start({ name: 'gateway', env });
    gateway = await gatewayProgram.endpoint();
  });

  afterAll(async () => {
    await gatewayProgram?.stop();
    await service?.stop();
  });

  it('stores readings and answers statistics of a device', async () => {
    for (const [metric, value] of [
      ['temperature', 10],
      ['temperature', 20],
      ['wind', 3],
    ]) {
      const response = await postReading(gateway, { deviceId: 'roof', metric, value });
      expect(response.status).toBe(201);
      expect(await response.json()).toEqual({ stored: true });
    }

    const all = await request(`${gateway}/devices/roof/stats`);
    expect(all.status).toBe(200);
    expect(await all.json()).toEqual({
      temperature: { count: 2, min: 10, max: 20, mean: 15, last: 20 },
      wind: { count: 1, min: 3, max: 3, mean: 3, last: 3 },
    });
    const one = await request(`${gateway}/devices/roof/stats?metric=wind`);
    expect(await one.json()).toEqual({ wind: { count: 1, min: 3, max: 3, mean: 3, last: 3 } });
  });

  it('answers 404 for the statistics of an unknown device', async () => {
    const response = await request(`${gateway}/devices/nowhere/stats`);

    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('nowhere') });
  });

  it.each([
    ['a wrong metric', { deviceId: 'roof', metric: 'noise', value: 1 }, 'metric'],
    ['a wrong value', { deviceId: 'roof', metric: 'wind', value: '1' }, 'value'],
    ['a field too many', { deviceId: 'roof', metric: 'wind', value: 1, admin: true }, 'admin'],
    ['an overlong device id', { deviceId: 'x'.repeat(65), metric: 'wind', value: 1 }, 'deviceId'],
  ])('answers 400 and names the field for %s', async (_, reading, field) => {
    const response = await postReading(gateway, reading);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { [field]: [expect.any(String)] },
    });
  });

  it.each([
    ['no body', {}],
    ['a list of readings', { body: '[{"deviceId":"roof","metric":"wind","value":1}]' }],
    ['broken JSON', { body: '{"deviceId":' }],
    ['a form', { body: 'deviceId=roof', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
  ])('answers 400 for %s in place of a reading', async (_, init) => {
    const headers = { 'content-type': 'application/json' };
    const response = await request(`${gateway}/readings`, { method: 'POST', headers, ...init });

    expect(response.status).toBe(400);
  });

  it('answers 413 for a reading that is far too large', async () => {
    const response = await postReading(gateway, {
      deviceId: 'roof',
      metric: 'wind',
      value: 1,
      at: 'x'.repeat(100_000),
    });

    expect(response.status).toBe(413);
  });

  it('answers 413 for a reading that is too large for the service', async () => {
    const response = await postReading(gateway, { deviceId: 'roof', metric: 'wind', value: 1, at: 'x'.repeat(5_000) });

    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { limit: 4096 } });
  });

  it('streams the last known readings of a device, then live ones, as server-sent events', async () => {
    await postReading(gateway, { deviceId: 'cellar', metric: 'humidity', value: 60, at: '2012-01-01' });
    const events = serverSentEvents(`${gateway}/devices/cellar/watch`);
    const first = await events.next();
    expect(first.value).toEqual({ deviceId: 'cellar', metric: 'humidity', value: 60, at: '2012-01-01' });

    await postReading(gateway, { deviceId: 'attic', metric: 'humidity', value: 1 });
    await postReading(gateway, { deviceId: 'cellar', metric: 'humidity', value: 61 });
    const second = await events.next();
    expect(second.value).toMatchObject({ deviceId: 'cellar', value: 61, at: expect.stringMatching(/^\d{4}-.*Z$/) });
    await events.return(undefined);
  });

  it('answers 503 to one event stream too many, and has room again when others have ended', async () => {
    await postReading(gateway, { deviceId: 'gate', metric: 'wind', value: 1 });
    const url = `${gateway}/devices/gate/watch`;
    const tryOne = async () => {
      const stream = serverSentEvents(url);
      return {
        stream,
        refused: await stream.next().then(
          () => false,
          (error: Error) => error.message.startsWith('503'),
        ),
      };
    };
    const streams = [];
    for (let opened = await tryOne(); !opened.refused; opened = await tryOne()) {
      streams.push(opened.stream);
    }
    expect(streams.length).toBeGreaterThanOrEqual(99);
    expect(streams.length).toBeLessThanOrEqual(100);

    await Promise.all(streams.map(stream => stream.return(undefined)));
    await expect.poll(async () => (await tryOne()).refused).toBe(false);
  });

  it.each([
    ['no bytes at all', Buffer.alloc(0)],
    ['JSON, as bytes', Buffer.from('{"a": 1}')],
    ['the largest size', randomBytes(MAX_BLOB_SIZE)],
  ])('stores a blob of %s and returns it unchanged', async (_, bytes) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const headers = { 'content-type': 'application/json' };
    const put = await request(`${gateway}/blobs`, { method: 'PUT', body: bytes, headers });
    expect(put.status).toBe(200);
    expect(await put.json()).toEqual({ sha256, size: bytes.length });

    const get = await request(`${gateway}/blobs/${sha256}`);
    expect(get.status).toBe(200);
    expect(get.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await get.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('answers 413 for a blob of more than 1 MB', async () => {
    const response = await request(`${gateway}/blobs`, { method: 'PUT', body: Buffer.alloc(MAX_BLOB_SIZE + 1) });

    expect(response.status).toBe(413);
  });

  it('answers 404 for an unknown blob and 400 for what is no SHA-256', async () => {
    expect((await request(`${gateway}/blobs/${'0'.repeat(64)}`)).status).toBe(404);
    expect((await request(`${gateway}/blobs/latest`)).status).toBe(400);
  });

  it('reports the health of the service', async () => {
    const response = await request(`${gateway}/health`);

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ status: 'ok', details: { service: { status: 'up' } } });
  });

  it('ends at once on SIGTERM although an event stream is open', async () => {
    const env = { HTTP_PORT: '0', ZMQ_URL: await service.endpoint() };
    const other = SampleProgram.start({ name: 'gateway', env });
    await postReading(gateway, { deviceId: 'hall', metric: 'wind', value: 1 });
    const events = serverSentEvents(`${await other.endpoint()}/devices/hall/watch`);
    await events.next();
    await other.stop();

    await expect(events.next()).rejects.toThrow('terminated');
  });
});

describe('the HTTP gateway of a service that takes few readings', () => {
  it('answers 429 to a device that sends more, and when to come back, while others are served', async () => {
    const serviceEnv = { ZMQ_BIND: 'tcp://127.0.0.1:*', INGEST_RATE: '1' };
    const service = SampleProgram.start({ name: 'service', env: serviceEnv });
    const env = { HTTP_PORT: '0', ZMQ_URL: await service.endpoint() };
    const gatewayProgram = SampleProgram.start({ name: 'gateway', env });
    const gateway = await gatewayProgram.endpoint();
    const post = (deviceId: string) => postReading(gateway, { deviceId, metric: 'wind', value: 1 });

    const responses = await Promise.all([post('roof'), post('roof'), post('roof'), post('roof')]);
    const refused = responses.filter(({ status }) => status === 429);
    expect(responses.some(({ status }) => status === 201)).toBe(true);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual(refused.map(() => '1'));
    expect(await refused[0]!.json()).toMatchObject({
      statusCode: 429,
      code: 'RATE_LIMITED',
      details: { retryAfterMs: expect.any(Number) },
    });
    expect((await post('cellar')).status).toBe(201);
    expect((await request(`${gateway}/devices/roof/stats`)).status).toBe(200);

    await gatewayProgram.stop();
    await service.stop();
  });
});

describe('the HTTP gateway without its service', () => {
  it('answers 503, and serves as soon as the service is there', async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const gatewayProgram = SampleProgram.start({ name: 'gateway', env: { HTTP_PORT: '0', ZMQ_URL: endpoint } });
    const gateway = await gatewayProgram.endpoint();
    const down = await request(`${gateway}/health`);
    expect(down.status).toBe(503);
    expect(await down.json()).toMatchObject({ details: { service: { status: 'down' } } });
    const refused = await postReading(gateway, { deviceId: 'roof', metric: 'wind', value: 1 });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'DISCONNECTED' });

    const service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: endpoint } });
    await service.endpoint();
    const reading = { deviceId: 'roof', metric: 'wind', value: 1 };
    await expect.poll(async () => (await postReading(gateway, reading)).status, { timeout: 10_000 }).toBe(201);
    await expect.poll(async () => (await request(`${gateway}/health`)).status, { timeout: 10_000 }).toBe(200);
    await gatewayProgram.stop();
    await service.stop();
  }, 40_000);
});

describe('an event stream of the HTTP gateway', () => {
  const start = async () => {
    const service = SampleProgram.start({ name: 'service', env: { ZMQ_BIND: 'tcp://127.0.0.1:*' } });
    const env = { HTTP_PORT: '0', ZMQ_URL: await service.endpoint() };
    const gatewayProgram = SampleProgram.start({ name: 'gateway', env });
    const gateway = await gatewayProgram.endpoint();
    await postReading(gateway, { deviceId: 'roof', metric: 'wind', value: 1 });
    const events = serverSentEvents(`${gateway}/devices/roof/watch`);
    await events.next();
    return { service, gatewayProgram, events };
  };

  it('ends when the service stops', async () => {
    const { service, gatewayProgram, events } = await start();
    await service.stop();

    expect(await events.next()).toEqual({ done: true, value: undefined });
    await gatewayProgram.stop();
  });

  it('ends with an error event when the service was killed', async () => {
    const { service, gatewayProgram, events } = await start();
    service.kill('SIGKILL');

    await expect(events.next()).rejects.toThrow('error event');
    await gatewayProgram.stop();
  });
});
