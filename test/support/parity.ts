import { Inject, Injectable, Module, type DynamicModule, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientsModule,
  Transport,
  type ClientProxy,
  type ClientProviderOptions,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import type { AddressInfo, Server } from 'node:net';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { Journal, MATH_CONTROLLERS, MATH_PROVIDERS } from './math-app.js';
import { engineOfClient, engineOfServer, until } from './zmq-app.js';

@Module({ controllers: MATH_CONTROLLERS, providers: MATH_PROVIDERS })
class MathModule {}

@Injectable()
class Caller {
  constructor(@Inject('MATH_SERVICE') readonly client: ClientProxy) {}
}

@Module({})
class CallerModule {
  static with(registration: Omit<ClientProviderOptions, 'name'>): DynamicModule {
    const client = { name: 'MATH_SERVICE', ...registration } as ClientProviderOptions;
    return { module: CallerModule, imports: [ClientsModule.register([client])], providers: [Caller] };
  }
}

/** All that differs between the transports: what the server is made with, and what its client is registered with. */
interface TransportUnderTest {
  readonly strategy: () => MicroserviceOptions;
  readonly registration: (app: INestMicroservice) => Omit<ClientProviderOptions, 'name'>;
}

const TCP: TransportUnderTest = {
  strategy: () => ({ transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } }),
  registration: app => ({
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port: (app.unwrap<Server>().address() as AddressInfo).port },
  }),
};

function zeromq(): TransportUnderTest {
  const strategy = new ServerZmq({ bind: 'tcp://127.0.0.1:*', ...engineOfServer() });
  return {
    strategy: () => ({ strategy }),
    registration: () => ({
      customClass: ClientZmq,
      options: { connect: strategy.endpoints, ...engineOfClient() },
    }),
  };
}

/** The application on one transport, and a client of it from another application. */
export class Side {
  private constructor(
    readonly client: ClientProxy,
    readonly journal: Journal,
    readonly close: () => Promise<void>,
  ) {}

  static async start({ strategy, registration }: TransportUnderTest): Promise<Side> {
    const quiet = { logger: false, abortOnError: false } as const;
    const server = await NestFactory.createMicroservice<MicroserviceOptions>(MathModule, { ...quiet, ...strategy() });
    await server.listen();
    const caller = await NestFactory.createApplicationContext(CallerModule.with(registration(server)), quiet);
    return new Side(caller.get(Caller).client, server.get(Journal), async () => {
      await caller.close();
      await server.close();
    });
  }

  /** Everything that a subscriber of a request sees. */
  call(pattern: unknown, data: unknown): Promise<Outcome> {
    return new Promise(resolve => {
      const values: unknown[] = [];
      this.client.send<unknown>(pattern, data).subscribe({
        next: value => values.push(value),
        error: (error: unknown) => resolve({ values, error: comparable(error) }),
        complete: () => resolve({ values }),
      });
    });
  }

  emit(pattern: unknown, data: unknown): Promise<unknown> {
    return lastValueFrom(this.client.emit(pattern, data), { defaultValue: undefined });
  }

  /** The journal once it has so many entries. */
  async entries(count: number): Promise<readonly unknown[]> {
    await until(() => this.journal.entries.length >= count);
    return this.journal.entries;
  }
}

export interface Outcome {
  readonly values: readonly unknown[];
  readonly error?: unknown;
}

/** The same application twice, on Nest's TCP transport and on this one, for the tests of the surrounding block. */
export function onBothTransports(): (observe: (side: Side) => Promise<unknown>) => Promise<readonly unknown[]> {
  const sides: Side[] = [];
  beforeAll(async () => {
    for (const transport of [TCP, zeromq()]) {
      sides.push(await Side.start(transport));
    }
  });
  afterAll(async () => {
    await Promise.all(sides.map(side => side.close()));
  });
  beforeEach(() => {
    for (const { journal } of sides) {
      journal.entries.length = 0;
    }
  });
  return observe => Promise.all(sides.map(side => observe(side)));
}

/** What both transports tell of an error: TCP throws whatever came, this transport an exception with the same fields. */
function comparable(error: unknown): unknown {
  if (typeof error === 'string') {
    return { message: error };
  }
  const { message, status } = error as { message?: unknown; status?: unknown };
  return status === undefined ? { message } : { message, status };
}
