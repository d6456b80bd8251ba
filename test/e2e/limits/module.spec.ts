import {
  Controller,
  Get,
  Inject,
  Injectable,
  Logger,
  Module,
  Scope,
  type INestApplication,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { NestFactory } from '@nestjs/core';
import { CONTEXT, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import {
  Concurrency,
  MaxMessageSize,
  Priority,
  RateLimit,
  ServerZmq,
  SizeViolationInterceptor,
  ZmqContext,
  ZmqLimits,
  ZmqModule,
  type ClientZmq,
  type ZmqException,
  type ZmqModuleOptions,
  type ZmqServerOptions,
} from 'nestjs-zeromq';
import { describe, expect, it, vi } from 'vitest';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { eventPacket, RawPeer, requestPacket } from '../../support/raw-peer.js';
import { ask, rejectionOf } from '../../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

const MINUTE = 60_000;

@Injectable({ scope: Scope.REQUEST })
class ScopedService {}

@Module({ providers: [ScopedService], exports: [ScopedService] })
class ScopedModule {}

@Injectable({ scope: Scope.REQUEST })
class ScopedInterceptor extends SizeViolationInterceptor {}

@Injectable()
class NeedyInterceptor extends SizeViolationInterceptor {
  constructor(readonly service: ScopedService) {
    super();
  }
}

let ran: unknown[] = [];

class NumberDto {
  @IsInt()
  n!: number;
}

@Controller()
class LimitedController {
  @Get('http')
  http(): string {
    return 'http';
  }

  @MessagePattern('sized')
  @MaxMessageSize(100)
  sized(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('rated')
  @RateLimit({ points: 2, duration: MINUTE })
  rated(@Payload() data: unknown): unknown {
    return data;
  }

  @MessagePattern('checked')
  checked(@Payload() data: NumberDto): number {
    return data.n;
  }
}

@Controller()
class PlainController {
  @MessagePattern('plain')
  plain(@Payload() data: unknown): unknown {
    return data;
  }
}

function moduleOf(metadata: ModuleMetadata): Type {
  const module = class AppModule {};
  Module(metadata)(module);
  return module;
}

/** @see outcomesOf */
const LIMITED = [98, 'PAYLOAD_TOO_LARGE', 1, 2, 'RATE_LIMITED'];

const alphabetical = (one: string, other: string) => one.localeCompare(other);

const QUIET = { logger: false, abortOnError: false } as const;

describe.each<NonNullable<ZmqServerOptions['engine']>>(['gate', 'zeromq'])('ZmqModule, engine %s', engine => {
  const start = async (controllers: readonly Type[], options: ZmqModuleOptions = {}) => {
    const app = await startApp(controllers, { imports: [ZmqModule.forRoot(options)], server: { engine } });
    return { ...app, client: await connectClient(app.endpoint) };
  };

  async function startHybrid(inheritAppConfig: boolean, servers = 1) {
    const imports = [ZmqModule.forRoot({ limits: { concurrency: { limit: 10, queue: 5 } } })];
    const app = await NestFactory.create(moduleOf({ controllers: [LimitedController], imports }), QUIET);
    onCleanup(() => app.close());
    const strategies = Array.from({ length: servers }, () => new ServerZmq({ bind: 'tcp://127.0.0.1:*', engine }));
    for (const strategy of strategies) {
      app.connectMicroservice({ strategy }, { inheritAppConfig });
    }
    await app.startAllMicroservices();
    await app.listen(0, '127.0.0.1');
    const endpoints = strategies.map(server => server.endpoints[0] as string);
    return { app: app as INestApplication, endpoints, client: await connectClient(endpoints[0] as string) };
  }

  it('keeps the limits of a microservice', async () => {
    const { app, client } = await start([LimitedController]);
    expect(await outcomesOf(client)).toEqual(LIMITED);
    expect(await rejectionOf(ask(client, 'checked', { n: 'one' }))).toMatchObject({ code: 'VALIDATION_FAILED' });
    expect(app.get(ZmqLimits).inForce.handlers['sized']).toEqual({ maxMessageSize: 100 });
  });

  it.each([true, false])('keeps the limits of a hybrid application, inheritAppConfig %s', async inherit => {
    const { app, client } = await startHybrid(inherit);
    expect(await outcomesOf(client)).toEqual(LIMITED);
    const checked = await ask(client, 'checked', { n: 'one' }).catch((error: ZmqException) => error.code);
    expect(checked).toBe(inherit ? 'VALIDATION_FAILED' : 'one');
    expect(app.get(ZmqLimits).inForce.handlers['rated']).toMatchObject({ concurrency: { limit: 10, queue: 5 } });
    expect(await (await fetch(`${await app.getUrl()}/http`)).text()).toBe('http');
  });

  it('keeps them in each server of an application by itself', async () => {
    const { endpoints, client } = await startHybrid(false, 2);
    const other = await connectClient(endpoints[1] as string);
    expect(await outcomesOf(client)).toEqual(LIMITED);
    expect(await outcomesOf(other)).toEqual(LIMITED);
  });

  it('does not mix the limits of two applications in a process', async () => {
    const one = await start([PlainController], { limits: { maxMessageSize: 100 } });
    const two = await start([PlainController], { limits: { maxMessageSize: 200 } });
    const data = 'x'.repeat(150);
    expect(await rejectionOf(ask(one.client, 'plain', data))).toMatchObject({ details: { limit: 100 } });
    expect(await ask(two.client, 'plain', data)).toBe(data);
    expect(one.app.get(ZmqLimits).inForce.defaults).toEqual({ maxMessageSize: 100 });
    one.app.get(ZmqLimits).change({ defaults: { maxMessageSize: 50 } });
    expect(two.app.get(ZmqLimits).inForce.defaults).toEqual({ maxMessageSize: 200 });
  });

  it('takes its options from a factory', async () => {
    const settings = () => ({ limits: { maxMessageSize: '1kb', points: 2 } });
    const imports = [
      ZmqModule.forRootAsync({
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [settings] })],
        inject: [ConfigService],
        useFactory: async (config: ConfigService) => {
          await Promise.resolve();
          return {
            limits: {
              maxMessageSize: config.getOrThrow<'1kb'>('limits.maxMessageSize'),
              rateLimit: { points: config.getOrThrow<number>('limits.points'), duration: MINUTE },
            },
          };
        },
      }),
    ];
    const { endpoint } = await startApp([PlainController], { imports, server: { engine } });
    const client = await connectClient(endpoint);
    expect(await rejectionOf(ask(client, 'plain', 'x'.repeat(2_000)))).toMatchObject({ details: { limit: 1_024 } });
    await ask(client, 'plain');
    await ask(client, 'plain');
    expect(await rejectionOf(ask(client, 'plain'))).toMatchObject({ code: 'RATE_LIMITED' });
  });

  it('serves controllers that are made for each request', async () => {
    const { client } = await start([RequestScopedController], { limits: { maxMessageSize: '1kb' } });
    expect(await ask(client, 'scoped', 1)).toEqual(['scoped', 1]);
    expect(await ask(client, 'scoped', 2)).toEqual(['scoped', 1]);
    expect(await rejectionOf(ask(client, 'scoped', 3))).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await rejectionOf(ask(client, 'scoped', 'x'.repeat(200)))).toMatchObject({ details: { limit: 100 } });
  });

  it('has an event keep the strictest limits of its handlers', async () => {
    ran = [];
    const { endpoint, app } = await start([StrictController, LaxController], { limits: { maxMessageSize: '2kb' } });
    expect(app.get(ZmqLimits).inForce.handlers['heard']).toMatchObject({
      maxMessageSize: 2_048,
      concurrency: { limit: 2, queue: 1_000 },
      rateLimit: [{ points: 3 }, { points: 5 }],
    });
    expect(app.get(ZmqLimits).inForce.handlers['heard']).not.toHaveProperty('priority');
    const peer = new RawPeer(endpoint);
    await peer.hello();
    // Below what the lax one takes, above what holds for the other.
    await peer.send(eventPacket('heard', 'x'.repeat(3_000)));
    await peer.send(...[1, 2, 3, 4, 5].map(n => eventPacket('heard', n)), requestPacket(1, 'ping', 0));
    await until(() => ran.length === 6);
    expect(ran.map(String).toSorted(alphabetical)).toEqual([
      'lax 1',
      'lax 2',
      'lax 3',
      'strict 1',
      'strict 2',
      'strict 3',
    ]);
  });
});

describe('what ZmqModule switches off', () => {
  const start = async (options: ZmqModuleOptions) => {
    const { endpoint, app } = await startApp([LimitedController], { imports: [ZmqModule.forRoot(options)] });
    return { app, client: await connectClient(endpoint) };
  };

  it('rates', async () => {
    const { app, client } = await start({ rateLimits: false, limits: { rateLimit: { points: 1 } } });
    await Promise.all([1, 2, 3, 4].map(n => ask(client, 'rated', n)));
    app.get(ZmqLimits).change({ handlers: { rated: { rateLimit: { points: 1, duration: MINUTE } } } });
    await Promise.all([1, 2, 3, 4].map(n => ask(client, 'rated', n)));
    expect(await rejectionOf(ask(client, 'sized', 'x'.repeat(200)))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  });

  it('validation', async () => {
    const { client } = await start({ validation: false });
    expect(await ask(client, 'checked', { n: 'one' })).toBe('one');
    expect(await outcomesOf(client)).toEqual(LIMITED);
  });

  it('the interceptor for sizes, but not sizes', async () => {
    const { client } = await start({ sizeViolations: false });
    expect(await outcomesOf(client)).toEqual(LIMITED);
  });
});

describe('an application with ZmqModule', () => {
  it('starts without a server, and says that there are no limits', async () => {
    const imports = [ZmqModule.forRoot({ limits: { maxMessageSize: '1kb' } })];
    const app = await NestFactory.createApplicationContext(moduleOf({ imports }), QUIET);
    onCleanup(() => app.close());
    const limits = app.get(ZmqLimits);
    const noServer = { code: 'INVALID_OPTIONS', message: expect.stringContaining('no ServerZmq') as string };
    expect(() => limits.inForce).toThrow(expect.objectContaining(noServer) as Error);
    expect(() => limits.change({ concurrency: { limit: 5 } })).toThrow(expect.objectContaining(noServer) as Error);
  });

  it('is refused when it imports the module twice', async () => {
    const feature = moduleOf({ imports: [ZmqModule.forRoot({ limits: { maxMessageSize: '1kb' } })] });
    const app = moduleOf({ imports: [feature, ZmqModule.forRoot()] });
    await expect(NestFactory.createApplicationContext(app, QUIET)).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('imported once') as string,
    });
  });

  it.each<[options: unknown, name: string]>([
    [{ limits: { maxMessageSize: '1 gb' } }, 'ZmqModule options.limits.maxMessageSize'],
    [{ limits: { concurrency: { queue: 1 } } }, 'ZmqModule options.limits.concurrency.limit'],
    [{ limits: { rateLimit: [{ points: 1 }, {}] } }, 'ZmqModule options.limits.rateLimit[1]'],
    [{ limits: { maxSize: 1 } }, "ZmqModule options.limits has no option 'maxSize'"],
    [{ rateLimits: { maxKeys: 0 } }, 'ZmqModule options.rateLimits.maxKeys'],
    [{ rateLimits: true }, 'ZmqModule options.rateLimits'],
    [{ sizeViolations: 'no' }, 'ZmqModule options.sizeViolations'],
    [{ onViolation: 5 }, 'ZmqModule options.onViolation'],
    [{ limit: {} }, "ZmqModule options has no option 'limit'"],
  ])('refuses %o and names the option', async (options, name) => {
    const refusal = { code: 'INVALID_OPTIONS', message: expect.stringContaining(name) as string };
    const forRoot = () => ZmqModule.forRoot(options as ZmqModuleOptions);
    expect(forRoot).toThrow(expect.objectContaining(refusal) as Error);
    const imports = [ZmqModule.forRootAsync({ useFactory: () => options as ZmqModuleOptions })];
    await expect(NestFactory.createApplicationContext(moduleOf({ imports }), QUIET)).rejects.toMatchObject(refusal);
  });

  it.each<[options: unknown, name: string]>([
    [{ rateLimits: { store: {} } }, 'store.redis'],
    [{ rateLimits: { store: { redis: {} } } }, 'store.redis'],
    [{ validation: { maxErrors: 0 } }, 'maxErrors'],
    [{ validation: 5 }, 'ZmqValidationPipe'],
  ])('refuses %o when it starts, and names the option', async (options, name) => {
    const start = async () =>
      NestFactory.createApplicationContext(
        moduleOf({ imports: [ZmqModule.forRoot(options as ZmqModuleOptions)] }),
        QUIET,
      );
    await expect(start()).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(name) as string,
    });
  });

  it.each([ScopedInterceptor, NeedyInterceptor])('refuses %o, which would be made for each request', async given => {
    const imports = [ZmqModule.forRoot({ imports: [ScopedModule], sizeViolationInterceptor: given })];
    await expect(startApp([PlainController], { imports })).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('sizeViolationInterceptor') as string,
    });
  });

  it('warns of limits that nobody keeps', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    onCleanup(() => warned.mockRestore());
    await startApp([MisplacedController, LimitedController], {
      imports: [ZmqModule.forRoot()],
      providers: [MisplacedService, LimitedService],
    });
    const warnings = warned.mock.calls.map(([message]) => String(message)).filter(text => text.includes('no handler'));
    expect(warnings.map(text => String(text.split(' ')[0])).toSorted(alphabetical)).toEqual([
      'LimitedService',
      'MisplacedController.helper()',
      'MisplacedService.method()',
    ]);
  });
});

describe('an application without ZmqModule', () => {
  it.each([
    ['a method', () => LimitedController, "'sized'|'rated'"] as const,
    ['a class', () => ClassController, "'of class'"] as const,
    ['a class that inherits its handlers', () => HeirController, "'plain'"] as const,
  ])('is refused when it has limits in decorators of %s', async (_where, controller, pattern) => {
    await expect(startApp([controller()])).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(new RegExp(`(${pattern}).*ZmqModule`)) as string,
    });
  });

  it('starts without them', async () => {
    const { endpoint } = await startApp([UnlimitedController]);
    expect(await ask(await connectClient(endpoint), 'unlimited', 1)).toBe(1);
  });
});

/** What becomes of requests within and beyond the limits of `LimitedController`. */
async function outcomesOf(client: ClientZmq): Promise<unknown[]> {
  const requests = [
    ['sized', 'x'.repeat(98)],
    ['sized', 'x'.repeat(99)],
    ['rated', 1],
    ['rated', 2],
    ['rated', 3],
  ] as const;
  const outcomes: unknown[] = [];
  for (const [pattern, data] of requests) {
    outcomes.push(await ask(client, pattern, data).catch((error: ZmqException) => error.code));
  }
  return outcomes;
}

@Controller({ scope: Scope.REQUEST })
@MaxMessageSize(100)
class RequestScopedController {
  private count = 0;

  constructor(@Inject(CONTEXT) private readonly request: { context: ZmqContext }) {}

  @MessagePattern('scoped')
  @RateLimit({ points: 2, duration: MINUTE })
  scoped(@Payload() _data: unknown): unknown {
    return [this.request.context.getPattern(), ++this.count];
  }
}

@Controller()
class StrictController {
  @EventPattern('heard')
  @RateLimit({ points: 3, duration: MINUTE })
  @Concurrency(2, { queue: 1_000 })
  @Priority('critical')
  heard(@Payload() data: unknown): void {
    ran.push(`strict ${String(data)}`);
  }

  @MessagePattern('ping')
  ping(): void {}
}

@Controller()
@MaxMessageSize('4kb')
class LaxController {
  @EventPattern('heard')
  @RateLimit({ points: 5, duration: MINUTE })
  @Concurrency(5)
  heard(@Payload() data: unknown): void {
    ran.push(`lax ${String(data)}`);
  }
}

@Controller()
class MisplacedController {
  @MessagePattern('fine')
  @MaxMessageSize(10)
  fine(): void {}

  @RateLimit({ points: 1 })
  helper(): void {}
}

@Injectable()
class MisplacedService {
  @MaxMessageSize(10)
  method(): void {}
}

@Injectable()
@RateLimit({ points: 1 })
class LimitedService {
  method(): void {}
}

@Controller()
@Priority('critical')
class ClassController {
  @MessagePattern('of class')
  ofClass(): void {}
}

@Controller()
@Concurrency(5)
class HeirController extends PlainController {}

@Controller()
class UnlimitedController {
  @MessagePattern('unlimited')
  unlimited(@Payload() data: unknown): unknown {
    return data;
  }
}
