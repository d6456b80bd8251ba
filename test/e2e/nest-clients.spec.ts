import { Controller, Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Client,
  ClientProxy,
  ClientProxyFactory,
  ClientsModule,
  type ClientOptions,
  MessagePattern,
  Payload,
  RpcException,
} from '@nestjs/microservices';
import { ClientZmq, ZmqException, ZmqStatus } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { engineOfClient, onCleanup, startApp } from '../support/zmq-app.js';

@Controller()
class DoubleController {
  @MessagePattern('double')
  double(@Payload() value: number): number {
    return value * 2;
  }

  @MessagePattern('fail')
  fail(): never {
    throw new RpcException({ status: 409, message: 'taken', details: { by: 'Ada' }, hint: 'try another' });
  }
}

@Injectable()
class Caller {
  constructor(@Inject('DOUBLE') readonly client: ClientProxy) {}
}

let endpoint: string;

beforeEach(async () => {
  ({ endpoint } = await startApp([DoubleController]));
});

async function start(module: DynamicModule) {
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  onCleanup(() => app.close());
  return app;
}

const double = (client: ClientProxy, value: number) => firstValueFrom(client.send<number>('double', value));

describe('ClientZmq', () => {
  it('is injected after ClientsModule.register', async () => {
    const clients = ClientsModule.register([
      { name: 'DOUBLE', customClass: ClientZmq, options: { connect: endpoint, ...engineOfClient() } },
    ]);
    const app = await start({ module: class Callers {}, imports: [clients], providers: [Caller] });

    expect(await double(app.get(Caller).client, 1)).toBe(2);
  });

  it('is injected after ClientsModule.registerAsync, with options from a provider', async () => {
    @Injectable()
    class Settings {
      readonly options = { connect: endpoint, timeout: 1_000 };
    }
    class SettingsModule {}
    Module({ providers: [Settings], exports: [Settings] })(SettingsModule);
    const clients = ClientsModule.registerAsync([
      {
        name: 'DOUBLE',
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: ({ options }: Settings) => ({ customClass: ClientZmq, options }),
      },
    ]);
    const app = await start({ module: class Callers {}, imports: [clients], providers: [Caller] });

    expect(await double(app.get(Caller).client, 2)).toBe(4);
  });

  it('is assigned to a property with @Client', async () => {
    @Controller()
    class Holder {
      // Nest's type of the decorator knows its own transports only; what it does with the options is the same.
      @Client({ customClass: ClientZmq, options: { connect: endpoint, ...engineOfClient() } } as ClientOptions)
      client!: ClientProxy;
    }
    const { app } = await startApp([Holder]);

    expect(await double(app.get(Holder).client, 3)).toBe(6);
  });

  it('is made by ClientProxyFactory', async () => {
    const client = ClientProxyFactory.create({
      customClass: ClientZmq,
      options: { connect: endpoint, ...engineOfClient() },
    });
    onCleanup(() => {
      client.close();
    });

    expect(await double(client, 4)).toBe(8);
  });

  it('is provided by a factory that reads its options elsewhere', async () => {
    const provider = {
      provide: 'DOUBLE',
      useFactory: () =>
        ClientProxyFactory.create({ customClass: ClientZmq, options: { connect: endpoint, ...engineOfClient() } }),
    };
    const app = await start({ module: class Callers {}, providers: [provider, Caller] });
    const { client } = app.get(Caller);
    onCleanup(() => {
      client.close();
    });

    expect(await double(client, 5)).toBe(10);
  });

  it('works alone, without any container', async () => {
    const client = new ClientZmq({ connect: endpoint, ...engineOfClient() });
    onCleanup(() => client.close());

    expect(await double(client, 6)).toBe(12);
  });

  it('takes Nest options without any as the default endpoint', () => {
    expect(ClientProxyFactory.create({ customClass: ClientZmq })).toBeInstanceOf(ClientZmq);
  });

  it('is closed together with the application that registered it', async () => {
    const clients = ClientsModule.register([
      { name: 'DOUBLE', customClass: ClientZmq, options: { connect: endpoint, ...engineOfClient() } },
    ]);
    const app = await start({ module: class Callers {}, imports: [clients], providers: [Caller] });
    const client = app.get(Caller).client as ClientZmq;
    await client.connect();
    await app.close();

    expect(() => client.unwrap()).toThrow('not connected');
    expect(await firstValueFrom(client.status)).toBe(ZmqStatus.DISCONNECTED);
  });

  it('throws exceptions with code, message, details and every other field of the remote exception', async () => {
    const client = new ClientZmq({ connect: endpoint, ...engineOfClient() });
    onCleanup(() => client.close());
    const failure = firstValueFrom(client.send('fail', {}));

    await expect(failure).rejects.toBeInstanceOf(ZmqException);
    await expect(failure).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'taken',
      status: 409,
      details: { by: 'Ada' },
      hint: 'try another',
      retryable: false,
    });
  });

  it('serves a handler that calls another service', async () => {
    const client = new ClientZmq({ connect: endpoint, ...engineOfClient() });
    onCleanup(() => client.close());
    @Controller()
    class Chain {
      @MessagePattern('twice doubled')
      twice(@Payload() value: number) {
        return firstValueFrom(client.send<number>('double', value)).then(once => client.send<number>('double', once));
      }
    }
    const { endpoint: chain } = await startApp([Chain]);
    const caller = new ClientZmq({ connect: chain, ...engineOfClient() });
    onCleanup(() => caller.close());

    expect(await firstValueFrom(caller.send('twice doubled', 3))).toBe(12);
  });
});
