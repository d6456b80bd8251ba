import {
  Controller,
  Get,
  Injectable,
  Module,
  ParseIntPipe,
  Query,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  TcpContext,
  Transport,
  type ClientProxy,
} from '@nestjs/microservices';
import { ServerZmq, ZMQ_TRANSPORT, ZmqContext } from 'nestjs-zeromq';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom, lastValueFrom, map, type Observable } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, engineOfServer, onCleanup, until } from '../support/zmq-app.js';

let log: unknown[] = [];

@Injectable()
class TypeInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((answer: unknown) => ({ type: context.getType(), answer })));
  }
}

const loud: NestInterceptor = {
  intercept: (_context, next) => next.handle().pipe(map((answer: unknown) => `${String(answer)}!`)),
};

@Controller()
class HybridController implements OnModuleDestroy, OnApplicationShutdown {
  @Get('double')
  @UseInterceptors(TypeInterceptor)
  doubleOverHttp(@Query('value', ParseIntPipe) value: number): number {
    return value * 2;
  }

  @MessagePattern('double')
  @UseInterceptors(TypeInterceptor)
  double(@Payload() value: number): number {
    return value * 2;
  }

  @MessagePattern('who', ZMQ_TRANSPORT)
  whoOverZmq(@Ctx() context: ZmqContext): string {
    return `zmq ${context instanceof ZmqContext}`;
  }

  @MessagePattern('who', Transport.TCP)
  whoOverTcp(@Ctx() context: TcpContext): string {
    return `tcp ${context instanceof TcpContext}`;
  }

  @MessagePattern('zmq only', ZMQ_TRANSPORT)
  zmqOnly(): string {
    return 'zmq';
  }

  @MessagePattern('tcp only', Transport.TCP)
  tcpOnly(): string {
    return 'tcp';
  }

  @EventPattern<string>('happened', ZMQ_TRANSPORT)
  happenedOnZmq(@Payload() data: unknown): void {
    log.push(['zmq', data]);
  }

  @EventPattern<string>('happened', Transport.TCP)
  happenedOnTcp(@Payload() data: unknown): void {
    log.push(['tcp', data]);
  }

  onModuleDestroy(): void {
    log.push('onModuleDestroy');
  }

  onApplicationShutdown(): void {
    log.push('onApplicationShutdown');
  }
}

@Module({ controllers: [HybridController] })
class HybridModule {}

interface Hybrid {
  readonly app: INestApplication;
  readonly servers: readonly ServerZmq[];
  readonly zmq: ClientProxy;
  readonly tcp: ClientProxy;
}

async function startHybrid({ inherit = false, zmqServers = 1 } = {}): Promise<Hybrid> {
  const app = await NestFactory.create(HybridModule, { logger: false, abortOnError: false });
  onCleanup(() => app.close());
  app.useGlobalInterceptors(loud);
  const servers = Array.from(
    { length: zmqServers },
    () => new ServerZmq({ bind: 'tcp://127.0.0.1:*', ...engineOfServer() }),
  );
  for (const strategy of servers) {
    strategy.on('close', () => log.push('zmq closed'));
    app.connectMicroservice({ strategy }, { inheritAppConfig: inherit });
  }
  const tcpService = app.connectMicroservice({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: 0 },
  });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const { port } = tcpService.unwrap<Server>().address() as AddressInfo;
  const tcp = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  onCleanup(() => {
    tcp.close();
  });
  return { app, servers, zmq: await connectClient(servers[0]!.endpoints[0] as string), tcp };
}

const ask = (client: ClientProxy, pattern: string, data: unknown = {}) =>
  firstValueFrom(client.send<unknown>(pattern, data));

beforeEach(() => {
  log = [];
});

describe('a hybrid application over HTTP, TCP and ZeroMQ', () => {
  it('serves one handler on every transport', async () => {
    const { app, zmq, tcp } = await startHybrid();
    const response = await fetch(`${await app.getUrl()}/double?value=4`);

    expect(await response.text()).toBe('[object Object]!');
    expect(await ask(zmq, 'double', 4)).toEqual({ type: 'rpc', answer: 8 });
    expect(await ask(tcp, 'double', 4)).toEqual({ type: 'rpc', answer: 8 });
  });

  it('chooses the handler of a pattern by ZMQ_TRANSPORT', async () => {
    const { zmq, tcp } = await startHybrid();

    expect(await ask(zmq, 'who')).toBe('zmq true');
    expect(await ask(tcp, 'who')).toBe('tcp true');
    expect(await ask(zmq, 'zmq only')).toBe('zmq');
    await expect(ask(zmq, 'tcp only')).rejects.toMatchObject({ code: 'NO_HANDLER' });
    await expect(ask(tcp, 'zmq only')).rejects.toBe(
      'There is no matching message handler defined in the remote service.',
    );
  });

  it('brings an event to the handlers of its transport only', async () => {
    const { zmq, tcp } = await startHybrid();
    await lastValueFrom(zmq.emit('happened', 1));
    await until(() => log.length === 1);
    await lastValueFrom(tcp.emit('happened', 2), { defaultValue: undefined });
    await until(() => log.length === 2);

    expect(log).toEqual([
      ['zmq', 1],
      ['tcp', 2],
    ]);
  });

  it('applies the global enhancers of the application where inheritAppConfig says so', async () => {
    const { zmq, tcp } = await startHybrid({ inherit: true });

    expect(await ask(zmq, 'zmq only')).toBe('zmq!');
    expect(await ask(tcp, 'tcp only')).toBe('tcp');
  });

  it('serves on several ServerZmq at once', async () => {
    const { servers } = await startHybrid({ zmqServers: 2 });
    for (const { endpoints } of servers) {
      expect(await ask(await connectClient(endpoints), 'who')).toBe('zmq true');
    }

    expect(servers.map(server => server.getStats().requests)).toEqual([1, 1]);
  });

  it('closes the transport after onModuleDestroy and before onApplicationShutdown', async () => {
    const { app, servers, zmq } = await startHybrid();
    expect(await ask(zmq, 'zmq only')).toBe('zmq');
    await app.close();

    expect(log).toEqual(['onModuleDestroy', 'zmq closed', 'onApplicationShutdown']);
    expect(servers[0]!.endpoints).toEqual([]);
  });

  it('rejects the start when an address is taken', async () => {
    const { servers } = await startHybrid();
    const taken = servers[0]!.endpoints[0] as string;
    const app = await NestFactory.create(HybridModule, { logger: false, abortOnError: false });
    onCleanup(() => app.close());
    app.connectMicroservice({ strategy: new ServerZmq({ bind: taken, ...engineOfServer() }) });

    await expect(app.startAllMicroservices()).rejects.toMatchObject({
      code: 'BIND_FAILED',
      details: { endpoint: taken },
    });
  });
});
