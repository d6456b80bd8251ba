import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClientZmq, ZmqException, ZmqRecordBuilder } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { codeBlocks, readDocument } from '../support/markdown.js';
import { RedisProcess } from '../support/redis.js';
import { freePort } from '../support/sample-program.js';
import { longHeader, messageBytes, RawZmtp } from '../support/raw-zmtp.js';
import { SnippetProject } from '../support/snippet-project.js';

const DOCUMENTS = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];
const SOCKET_PATH = join(tmpdir(), `nestjs-zeromq-readme-${process.pid}.sock`);
const TIMEOUT_MS = 60_000;
const CLI = 'dist/cli/main.js';

/** The file that a block is, as its first line says. */
const fileOf = (code: string): string | undefined => /^\/\/ (src\/[\w.-]+\.ts)\n/.exec(code)?.[1];
const blocks = DOCUMENTS.flatMap(document => codeBlocks(readDocument(document), 'ts'));

/** Serves the controller of docs/errors.md, and what its table says of errors that a handler throws. */
const FORWARD_MAIN = `
import { Controller, Inject, Module, NotFoundException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientsModule, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import { ClientZmq, ServerZmq } from 'nestjs-zeromq';
import { ForwardController } from './forward.controller.js';

@Controller()
class PlainController {
  constructor(@Inject('MATH') private readonly math: ClientZmq) {}

  @MessagePattern('unfiltered')
  unfiltered() {
    return this.math.send('nope', {});
  }

  @MessagePattern('throw')
  throw(@Payload() what: string): void {
    if (what === 'object') throw new RpcException({ code: 404, message: 'none', details: [1], extra: true });
    if (what === 'no code') throw new RpcException({ message: 'none' });
    if (what === 'text') throw new RpcException('text');
    throw new NotFoundException('secret');
  }
}

const clients = [{ name: 'MATH', customClass: ClientZmq, options: { connect: 'tcp://127.0.0.1:5555' } }];
@Module({ imports: [ClientsModule.register(clients)], controllers: [PlainController, ForwardController] })
class ForwardModule {}

const strategy = new ServerZmq({ bind: 'tcp://127.0.0.1:5557' });
const app = await NestFactory.createMicroservice(ForwardModule, { strategy });
app.enableShutdownHooks();
await app.listen();
`;

/** What the drill of docs/security.md asks of a service. */
const ECHO_MAIN = `
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ServerZmq } from 'nestjs-zeromq';

@Controller()
class EchoController {
  @MessagePattern('echo')
  echo(@Payload() data: unknown): unknown {
    return data;
  }
}
@Module({ controllers: [EchoController] })
class EchoModule {}

const strategy = new ServerZmq({ bind: 'tcp://127.0.0.1:5555', memoryBudget: '64mb' });
const app = await NestFactory.createMicroservice(EchoModule, { strategy });
await app.listen();
`;

/** Two of these count together. */
const SHARED_MAIN = `
import { NestFactory } from '@nestjs/core';
import { ServerZmq } from 'nestjs-zeromq';
import { SharedRatesModule } from './shared-rates.module.js';

const strategy = new ServerZmq({ bind: process.env.BIND });
const app = await NestFactory.createMicroservice(SharedRatesModule, { strategy });
app.enableShutdownHooks();
await app.listen();
`;

/** How long somebody has to wait is never quite the same. */
const withoutTimes = (text: string): string => text.replaceAll(/\d+ ms/g, 'some ms');

describe('the code in the documents', () => {
  let project: SnippetProject;
  /** Free ports in the place of those that the documents name. */
  const ports = new Map<string, string>();

  const local = (code: string): string =>
    code
      .replaceAll(/\b(?:5555|5556|5557|3000|3001|4000)\b/g, port => ports.get(port)!)
      .replaceAll('/tmp/math.sock', SOCKET_PATH);

  beforeAll(async () => {
    await ensureBuild();
    for (const port of ['5555', '5556', '5557', '3000', '3001', '4000']) {
      ports.set(port, String(await freePort()));
    }
    project = await SnippetProject.create();
    for (const block of blocks) {
      project.write(fileOf(block)!, local(block));
    }
    project.write('src/forward.main.ts', local(FORWARD_MAIN));
    project.write('src/echo.main.ts', local(ECHO_MAIN));
    project.write('src/shared.main.ts', SHARED_MAIN);
    await project.build();
  }, BUILD_TIMEOUT_MS);

  afterEach(() => project?.stopAll());
  afterAll(async () => {
    await project?.remove();
    rmSync(SOCKET_PATH, { force: true });
  });

  it('names a file of its own in every block', () => {
    const files = blocks.map(fileOf);
    expect(files).not.toContain(undefined);
    expect(new Set(files).size).toBe(files.length);
  });

  it(
    'makes the five-minute start',
    async () => {
      const service = await project.start('math.main');
      await project.start('main', { PORT: ports.get('3000')! });
      const response = await fetch(local('http://localhost:3000/sum?n=1&n=2&n=3'));

      expect(await response.text()).toBe('6');
      await service.printed('somebody asked for a sum');
    },
    TIMEOUT_MS,
  );

  it(
    'calls the service without a container, and with retries',
    async () => {
      await project.start('math.main');

      expect(await project.run('standalone')).toBe('6');
      expect(await project.run('retry')).toBe('6');
      expect(await project.run('patient-client')).toBe('6\n15');
    },
    TIMEOUT_MS,
  );

  it(
    'calls the service from Python',
    async ({ skip }) => {
      const { status } = spawnSync('/usr/bin/python3', ['-c', 'import zmq']);
      skip(status !== 0, "Debian's package python3-zmq is not installed");
      await project.start('math.main');

      const [python = ''] = codeBlocks(readDocument('README.md'), 'python');
      expect(python.trim().split('\n').length).toBeLessThan(10);
      expect(await project.runPython(local(python))).toBe('6');
    },
    TIMEOUT_MS,
  );

  it(
    'serves streams, metadata, bytes and errors from a hybrid application',
    async () => {
      await project.start('hybrid.main');

      expect(await project.run('read-streams')).toBe("1\n2\n3\n[ 'tick 0', 'tick 1', 'tick 2' ]");
      expect((await project.run('ask')).split('\n')).toEqual([
        "{ year: 2026, tenant: 'acme' }",
        '[ 3, 2, 1 ]',
        'NO_SUCH_YEAR false There is no 2500 yet',
        // Which of both sides notices first is not decided.
        expect.stringMatching(/^DEADLINE_EXCEEDED false ./),
      ]);
      expect(await project.run('copy-rows')).toBe('50 rows');
      expect(await project.run('watch')).toBe('first: tick 0');
    },
    TIMEOUT_MS,
  );

  it(
    'answers over this transport after the migration from TCP',
    async () => {
      await project.start('zmq.main');

      expect(await project.run('standalone')).toBe('6');
    },
    TIMEOUT_MS,
  );

  it(
    'observes a server on several addresses',
    async () => {
      const server = await project.start('observed.main');
      await server.printed('listening on tcp://127.0.0.1:');
      expect(server.output).toContain(`, ipc://${SOCKET_PATH}`);
      expect(existsSync(SOCKET_PATH)).toBe(true);

      const client = new ClientZmq({ connect: `ipc://${SOCKET_PATH}` });
      expect(await firstValueFrom(client.send('sum', [1, 2]))).toBe(3);
      await client.close();
    },
    TIMEOUT_MS,
  );

  it(
    'tells of what breaks the limits of the README',
    async () => {
      const server = await project.start('limited.main');
      const peer = await RawZmtp.open(local('tcp://127.0.0.1:5555'));
      // A frame that declares 4 GB, of which not a byte follows.
      peer.socket.write(longHeader(0, 2n ** 32n));
      await server.printed('A1 frame-too-large from 127.0.0.1: disconnect, 1 times');

      expect(await project.run('standalone')).toBe('6');
    },
    TIMEOUT_MS,
  );

  it(
    'keeps the limits next to the handlers of the README',
    async () => {
      await project.start('orders.main');

      const [promised = ''] = codeBlocks(readDocument('README.md'), 'text');
      expect(withoutTimes(await project.run('order'))).toBe(withoutTimes(promised.trim()));
    },
    TIMEOUT_MS,
  );

  it(
    'keeps the limits of docs/limits.md, tells of violations, and changes limits while it runs',
    async () => {
      const service = await project.start('bounded.main');
      const client = new ClientZmq({ connect: local('tcp://127.0.0.1:5555') });
      const ask = (pattern: string, data: unknown) =>
        firstValueFrom(client.send(pattern, data)).catch((error: unknown) => error);
      const list = () => ask('accounts.list', new ZmqRecordBuilder({}).setMetadata({ key: 'secret' }).build());
      try {
        expect(await ask('uploads.put', Buffer.alloc(256 * 1024))).toBe(256 * 1024);
        expect(await ask('uploads.put', Buffer.alloc(256 * 1024 + 1))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
        expect(await ask('uploads.get', 256 * 1024 + 1)).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
        await service.printed('uploads.put: 262145 bytes from 127.0.0.1');
        await service.printed('handler-size from 127.0.0.1: refuse, 1 times');

        // Whoever does not pass the first guard is not counted.
        expect(await ask('accounts.list', {})).toBeInstanceOf(ZmqException);
        expect(await Promise.all([list(), list(), list()])).toEqual([
          ['ada', 'grace'],
          ['ada', 'grace'],
          expect.objectContaining({ code: 'RATE_LIMITED', details: { retryAfterMs: expect.any(Number) } }),
        ]);

        const searches = await Promise.all(Array.from({ length: 6 }, () => ask('readings.search', {})));
        expect(searches.at(-1)).toMatchObject({ code: 'RATE_LIMITED' });
        // In a hybrid application, with the pipe that inheritAppConfig brings.
        expect(await ask('orders.create', { lines: [{ sku: 'tea', quantity: 0 }] })).toMatchObject({
          code: 'VALIDATION_FAILED',
          details: {
            fields: [{ path: 'lines[0].quantity', rules: ['min'], messages: ['quantity must not be less than 1'] }],
            omitted: 0,
          },
        });

        service.signal('SIGUSR2');
        await service.printed('operator changed handlers.orders.report.concurrency.limit from 2 to 1');
        expect(service.output).toContain('operator changed limits.maxMessageSize from 1048576 to 262144');
        expect(service.output).toContain('operator changed gate.acceptRate from 100 to 10');
        const reports = await Promise.all(Array.from({ length: 8 }, () => ask('orders.report', {})));
        expect(reports.filter(report => report instanceof ZmqException)).toHaveLength(3);
      } finally {
        await client.close();
      }
    },
    TIMEOUT_MS,
  );

  it(
    'shares rates between processes as docs/limits.md says',
    async () => {
      const { url: REDIS_URL } = await RedisProcess.start();
      await project.start('shared.main', { REDIS_URL, BIND: local('tcp://127.0.0.1:5555') });
      await project.start('shared.main', { REDIS_URL, BIND: local('tcp://127.0.0.1:5556') });
      const clients = ['5555', '5556'].map(port => new ClientZmq({ connect: local(`tcp://127.0.0.1:${port}`) }));
      try {
        const answers = await Promise.allSettled(
          Array.from({ length: 150 }, (_, index) => firstValueFrom(clients[index % 2]!.send('readings.put', index))),
        );
        expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(100);
      } finally {
        await Promise.all(clients.map(client => client.close()));
      }
    },
    TIMEOUT_MS,
  );

  it('plans a budget as docs/limits.md says', async () => {
    const [promised = ''] = codeBlocks(readDocument('docs/limits.md'), 'text');
    expect(await project.run('budget')).toBe(promised.trim());
  });

  it(
    'reports violations and changes limits as docs/security.md says',
    async () => {
      const server = await project.start('watchful.main');
      const peer = await RawZmtp.open(local('tcp://127.0.0.1:5555'));
      peer.socket.write(messageBytes('1', '2', '3'));
      await server.printed('"kind":"too-many-frames"');

      const [example = ''] = codeBlocks(readDocument('docs/security.md'), 'json');
      const line = server.output.split('\n').find(text => text.startsWith('{'))!;
      expect(JSON.parse(line)).toEqual({ ...JSON.parse(example), peerId: expect.stringMatching(/^[\da-f]{16}$/) });
      expect(peer.hasEnded).toBe(false);
      server.signal('SIGUSR2');
      await server.printed('accepts 10 a second of one address');
    },
    TIMEOUT_MS,
  );

  it(
    'drills a service as docs/security.md says',
    async () => {
      const service = await project.start('echo.main');
      const lines = codeBlocks(readDocument('docs/security.md'), 'sh').join('').split('\n');
      const command = lines.find(line => line.includes('--pid'))!.replace('4711', String(service.pid));
      const [, , ...args] = local(command).split(' ');
      const drill = [CLI, ...args, '--attack', 'A1', '--seconds', '1'];
      // Whether honest goodput suffers on a busy machine is for test:attacks to say, and so is the exit code.
      const { stdout } = await promisify(execFile)(process.execPath, drill).catch((error: { stdout: string }) => error);
      expect(stdout).toMatch(/^A1 .* one frame of 256 MB/m);
      expect(stdout).not.toMatch(/memory grew|does not answer|were closed|wrong answer/);
    },
    TIMEOUT_MS,
  );

  it(
    'passes errors on as docs/errors.md says',
    async () => {
      await project.start('math.main');
      await project.start('forward.main');
      const client = new ClientZmq({ connect: local('tcp://127.0.0.1:5557') });
      const errorOf = (pattern: string, data: unknown) =>
        firstValueFrom(client.send(pattern, data)).catch((error: unknown) => error);
      try {
        expect(await errorOf('forward', { pattern: 'nope', data: {} })).toMatchObject({ code: 'NO_HANDLER' });
        expect(await errorOf('unfiltered', {})).toMatchObject({ code: 'INTERNAL' });
        expect(await errorOf('throw', 'object')).toMatchObject({
          code: '404',
          message: 'none',
          details: [1],
          extra: true,
        });
        expect(await errorOf('throw', 'no code')).toMatchObject({ code: 'INTERNAL', message: 'none' });
        expect(await errorOf('throw', 'text')).toMatchObject({ code: 'INTERNAL', message: 'text', status: 'error' });
        expect(await errorOf('throw', 'other')).toMatchObject({
          code: 'INTERNAL',
          message: 'Internal server error',
          status: 'error',
        });
      } finally {
        await client.close();
      }
    },
    TIMEOUT_MS,
  );
});
