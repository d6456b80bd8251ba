import 'reflect-metadata';
import { Module, type INestMicroservice, type ModuleMetadata, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientZmq, ServerZmq, type ZmqClientOptions, type ZmqServerOptions } from 'nestjs-zeromq';
import { afterEach } from 'vitest';

const ANY_PORT = 'tcp://127.0.0.1:*';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) {
    await cleanup();
  }
});

/** Runs when the test is over, last registered first. */
export function onCleanup(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

export interface ZmqApp {
  readonly app: INestMicroservice;
  readonly server: ServerZmq;
  /** The first endpoint, with its real port. */
  readonly endpoint: string;
}

export interface StartAppOptions {
  readonly server?: ZmqServerOptions;
  readonly providers?: readonly Provider[];
  readonly imports?: readonly NonNullable<ModuleMetadata['imports']>[number][];
  /** Global pipes and the like, before the application listens. */
  readonly configure?: (app: INestMicroservice) => void;
}

/** A real Nest microservice with these controllers on a free port, closed after the test. */
export async function startApp(
  controllers: readonly Type[],
  { server: options, providers = [], imports = [], configure }: StartAppOptions = {},
): Promise<ZmqApp> {
  const server = new ServerZmq({ bind: ANY_PORT, ...engineOfServer(), ...options });
  const module = class TestModule {};
  Module({ controllers: [...controllers], providers: [...providers], imports: [...imports] })(module);
  const app = await NestFactory.createMicroservice(module, { strategy: server, logger: false, abortOnError: false });
  configure?.(app);
  onCleanup(() => app.close());
  await app.listen();
  return { app, server, endpoint: server.endpoints[0] as string };
}

/** The whole suite can be run on other engines than the defaults. */
export function engineOfClient(): Pick<ZmqClientOptions, 'engine'> {
  const engine = process.env['ZMQ_TEST_CLIENT_ENGINE'] as ZmqClientOptions['engine'];
  return engine === undefined ? {} : { engine };
}

export function engineOfServer(): Pick<ZmqServerOptions, 'engine'> {
  const engine = process.env['ZMQ_TEST_SERVER_ENGINE'] as ZmqServerOptions['engine'];
  return engine === undefined ? {} : { engine };
}

/** Whether servers that do not say otherwise have the gate. */
export const HAS_GATE = (engineOfServer().engine ?? 'gate') === 'gate';

/** A client that is closed after the test; it connects when first used. */
export function createClient(connect: string | readonly string[], options: ZmqClientOptions = {}): ClientZmq {
  const reconnect = { minDelay: 20, maxDelay: 100 };
  const client = new ClientZmq({ connect, reconnect, ...engineOfClient(), ...options });
  onCleanup(() => client.close());
  return client;
}

export async function connectClient(
  connect: string | readonly string[],
  options: ZmqClientOptions = {},
): Promise<ClientZmq> {
  const client = createClient(connect, options);
  await client.connect();
  return client;
}

/** Waits for what nobody announces; fails after `timeout` ms. */
export async function until(condition: () => boolean, timeout = 5_000): Promise<void> {
  const end = performance.now() + timeout;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`Not within ${timeout} ms: ${condition.toString()}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
}

/** Something that a handler waits for until the test lets it go. */
export function createGate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { opened, open };
}

export async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
