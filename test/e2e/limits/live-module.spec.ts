import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { IsString } from 'class-validator';
import { RateLimit, ZmqEvents, ZmqLimits, ZmqModule, type ZmqLimitChange, type ZmqModuleOptions } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../support/refusal.js';
import { connectRedis, createPrefix } from '../../support/redis.js';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, startApp } from '../../support/zmq-app.js';

class NameDto {
  @IsString()
  name!: string;
}

@Controller()
class NamesController {
  @MessagePattern('name')
  name(@Payload() { name }: NameDto): number {
    return name.length;
  }

  @MessagePattern('counted')
  @RateLimit({ points: 1, duration: 60_000, by: context => context.getMetadata()?.['key'] ?? '' })
  counted(): boolean {
    return true;
  }
}

async function start(options: ZmqModuleOptions = {}) {
  const { app, endpoint } = await startApp([NamesController], { imports: [ZmqModule.forRoot(options)] });
  const changes: ZmqLimitChange[] = [];
  app.get(ZmqEvents).limitChanges.subscribe(change => changes.push(change));
  return { limits: app.get(ZmqLimits), client: await connectClient(endpoint), changes };
}

describe('limits of the module', () => {
  it('bound what is validated as soon as they are changed, and tell of it', async () => {
    const { limits, client, changes } = await start();
    expect(await ask(client, 'name', { name: 'abcdef' })).toBe(6);
    limits.change({ validation: { maxStringLength: 5 } }, 'operator');
    expect(await rejectionOf(ask(client, 'name', { name: 'abcdef' }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'name', rules: ['maxStringLength'] }] },
    });
    expect(limits.inForce.validation).toEqual({ maxStringLength: 5, maxProperties: 1_000, maxErrors: 20 });
    expect(changes).toMatchObject([{ limit: 'validation.maxStringLength', from: 10_000, to: 5, by: 'operator' }]);
  });

  it('bound how many senders are remembered, and how long a store may take', async () => {
    const store = { redis: await connectRedis(), keyPrefix: createPrefix() };
    const { limits, changes } = await start({ rateLimits: { store } });
    expect(limits.inForce.rateLimits).toEqual({ maxKeys: 100_000, storeTimeout: 200 });
    limits.change({ rateLimits: { maxKeys: 10, storeTimeout: 50 } });
    expect(limits.inForce.rateLimits).toEqual({ maxKeys: 10, storeTimeout: 50 });
    expect(changes.map(({ limit }) => limit)).toEqual(['rateLimits.maxKeys', 'rateLimits.storeTimeout']);
  });

  it.each<[object, string]>([
    [{ validation: { maxStringLength: 0 } }, 'validation.maxStringLength'],
    [{ validation: { nothing: 1 } }, "validation has no option 'nothing'"],
    [{ validation: 5 }, 'validation must be an object'],
    [{ rateLimits: { maxKeys: 1 } }, 'rateLimits.maxKeys'],
    [{ rateLimits: { storeTimeout: 50 } }, 'rateLimits.storeTimeout is switched off'],
    [{ validation: { maxErrors: 5 }, limits: { maxMessageSize: 'x' } }, 'limits.maxMessageSize'],
  ])('stay as they are when %j is asked for', async (change, message) => {
    const { limits, changes } = await start();
    const before = limits.inForce;
    expect(refusalOf(() => limits.change(change)).message).toContain(message);
    expect(limits.inForce).toEqual(before);
    expect(changes).toEqual([]);
  });

  it('cannot be changed where they are switched off', async () => {
    const { limits } = await start({ validation: false, rateLimits: false });
    expect(limits.inForce).toMatchObject({ validation: undefined, rateLimits: undefined });
    const refusals = [{ validation: { maxErrors: 1 } }, { rateLimits: { maxKeys: 5 } }].map(
      change => refusalOf(() => limits.change(change)).code,
    );
    expect(refusals).toEqual(['INVALID_OPTIONS', 'INVALID_OPTIONS']);
  });
});
