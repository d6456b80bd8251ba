import type { ClientZmq } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { ZmqValidationPipe } from '../../lib/pipeline/zmq-validation.pipe.js';
import { RawPeer } from '../support/raw-peer.js';
import { call, clientOf, pathsOf, refusalOf, seen, start } from '../support/validation-app.js';
import { connectClient, until } from '../support/zmq-app.js';

const ENGINES = ['gate', 'zeromq'] as const;

beforeEach(() => {
  seen.length = 0;
});

describe.each(ENGINES)('a service with ZmqValidationPipe on the engine %s', engine => {
  async function connect(): Promise<ClientZmq> {
    const { endpoint } = await start({ server: { engine } });
    return connectClient(endpoint, { engine });
  }

  it('hands instances of the DTO to its handlers', async () => {
    const answer = await call(await connect(), 'order', { name: 'aa', items: [{ amount: 1 }] });
    expect(answer).toEqual({ isOrder: true, isItem: true });
  });

  it('tells the caller each wrong field, and runs no handler', async () => {
    const client = await connect();
    const refusal = await refusalOf(client, 'order', { name: 'aa', items: [{ amount: 1 }, { amount: 'x' }], extra: 1 });
    expect(refusal).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'The data is not valid: extra (property extra should not exist), and 1 more.',
      retryable: false,
      details: {
        fields: [
          { path: 'extra', rules: ['whitelistValidation'], messages: ['property extra should not exist'] },
          { path: 'items[1].amount', rules: ['isInt'], messages: ['amount must be an integer number'] },
        ],
        omitted: 0,
      },
    });
    expect(seen).toEqual([]);
  });

  it('reports no more than twenty fields', async () => {
    const items = Array.from({ length: 1_000 }, () => ({ amount: 'x' }));
    const { details } = await refusalOf(await connect(), 'order', { name: 'aa', items });
    expect(details).toMatchObject({ fields: expect.objectContaining({ length: 20 }), omitted: 980 });
  });

  it('answers a string of 50,000 characters at once, whose expression would never end', async () => {
    const client = await connect();
    await call(client, 'order', { name: 'aa' });
    const before = process.cpuUsage();
    const refusal = await refusalOf(client, 'order', { name: `${'a'.repeat(49_999)}!` });
    const { user, system } = process.cpuUsage(before);
    expect([refusal.code, pathsOf(refusal)]).toEqual(['VALIDATION_FAILED', ['name']]);
    expect((user + system) / 1_000).toBeLessThan(100);
  });

  it('drops an event that is not valid, and handles the next', async () => {
    const client = await connect();
    await firstValueFrom(client.emit('ordered', { name: 'b' }), { defaultValue: undefined });
    await firstValueFrom(client.emit('ordered', { name: 'a' }), { defaultValue: undefined });
    await until(() => seen.length > 0);
    expect(seen).toEqual([{ name: 'a' }]);
  });
});

describe('dangerous data', () => {
  it.each(['__proto__', 'constructor', 'prototype'])('with the key %s is refused by the wire', async key => {
    const { endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from(`{"id":"1","pattern":"order","data":{"name":"aa","${key}":{"x":1}}}`));
    expect(await peer.nextJson()).toMatchObject({
      err: { code: 'MALFORMED', message: 'Malformed message: forbidden key.' },
    });
  });

  it.each<[what: string, text: string, rule: string]>([
    ['the key __proto__', '{"name":"aa","items":[{"amount":1,"__proto__":{"x":1}}]}', 'forbiddenKey'],
    ['the key constructor', '{"name":"aa","constructor":{"prototype":{}}}', 'forbiddenKey'],
    ['the key prototype', '{"name":"aa","prototype":1}', 'forbiddenKey'],
    ['10,000 levels', `{"name":"aa","items":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'maxDepth'],
  ])('with %s is refused by the pipe where it comes past the wire', async (_what, text, rule) => {
    // A deserializer of the application makes the data of its own format.
    const deserialize = (packet: { readonly data: string }) => ({
      ...packet,
      data: JSON.parse(packet.data) as unknown,
    });
    const client = await clientOf({ server: { deserializer: { deserialize } } });
    expect(await refusalOf(client, 'order', text)).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ rules: [rule] }], omitted: 0 },
    });
    expect(await call(client, 'order', '{"name":"aa"}')).toMatchObject({ isOrder: true });
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  it('reaches a JSON peer as the same error', async () => {
    const { endpoint } = await start();
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from('{"id":"1","pattern":"order","data":{"name":1}}'));
    expect(await peer.nextJson()).toMatchObject({
      id: '1',
      status: 'error',
      isDisposed: true,
      err: { code: 'VALIDATION_FAILED', details: { fields: [{ path: 'name', rules: ['matches', 'isString'] }] } },
    });
  });
});

describe('ZmqValidationPipe leaves alone', () => {
  it('data without a DTO, primitives and bytes', async () => {
    const client = await clientOf();
    const long = { text: 'x'.repeat(50_000) };
    expect(await call(client, 'any', long)).toEqual(long);
    expect(await call(client, 'any', 'x'.repeat(50_000))).toHaveLength(50_000);
    expect(await call(client, 'bytes', new Uint8Array(50_000))).toBe(50_000);
  });

  it('what ParseArrayPipe and ParseIntPipe have to do', async () => {
    const client = await clientOf();
    expect(await call(client, 'list', [{ amount: 1 }, { amount: 2 }])).toEqual([
      [true, 1],
      [true, 2],
    ]);
    expect(await call(client, 'number', { n: '7' })).toBe(7);
  });

  it('the context beside a part of the payload, and names fields from the top', async () => {
    const client = await clientOf({ pipes: [new ZmqValidationPipe({ validateCustomDecorators: true })] });
    expect(await call(client, 'part', { order: { name: 'aa' } })).toEqual(['aa', 'part']);
    expect(pathsOf(await refusalOf(client, 'part', { order: { name: 'b' } }))).toEqual(['order.name']);
  });

  it('parameters of custom decorators, unless told otherwise', async () => {
    expect(await call(await clientOf(), 'metadata', {})).toBe('no metadata');
    const strict = await clientOf({ pipes: [new ZmqValidationPipe({ validateCustomDecorators: true })] });
    expect(pathsOf(await refusalOf(strict, 'metadata', {}))).toEqual(['trace']);
  });
});
