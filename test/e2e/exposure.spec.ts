import { Controller, Module, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ServerZmq } from 'nestjs-zeromq';
import { describe, expect, it } from 'vitest';
import { onCleanup } from '../support/zmq-app.js';

@Controller()
class NoController {}

@Module({ controllers: [NoController] })
class EmptyModule {}

/** What an application logs as warnings when it listens on `bind`. */
async function warningsOf(bind: string): Promise<readonly string[]> {
  const warnings: string[] = [];
  const quiet = () => undefined;
  const logger: LoggerService = { log: quiet, error: quiet, warn: (message: string) => warnings.push(message) };
  const app = await NestFactory.createMicroservice(EmptyModule, { strategy: new ServerZmq({ bind }), logger });
  onCleanup(() => app.close());
  await app.listen();
  return warnings;
}

describe('a server', () => {
  it('warns when other machines can reach it', async () => {
    const [warning = ''] = await warningsOf('tcp://0.0.0.0:*');
    expect(warning).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+ can be reached from other machines/);
  });

  it.each(['tcp://127.0.0.1:*', 'inproc://exposure'])('says nothing about %s', async bind => {
    expect(await warningsOf(bind)).toEqual([]);
  });
});
