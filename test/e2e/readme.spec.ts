import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClientZmq } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { codeBlocks, readDocument } from '../support/markdown.js';
import { freePort } from '../support/sample-program.js';
import { SnippetProject } from '../support/snippet-project.js';

const DOCUMENTS = [
  'README.md',
  ...readdirSync('docs')
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
];
const SOCKET_PATH = join(tmpdir(), `nestjs-zeromq-readme-${process.pid}.sock`);
const TIMEOUT_MS = 60_000;

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
