import { Controller, Get, Injectable, Module, UseGuards, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { IsInt } from 'class-validator';
import {
  AllowPeers,
  PeerGuard,
  ZmqContext,
  ZmqEvents,
  ZmqModule,
  ZmqPeer,
  ZmqValidationPipe,
  type ZmqDenial,
} from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCaller, MODES } from '../support/callers.js';
import { ask, rejectionOf } from '../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../support/zmq-app.js';

const FORBIDDEN = { code: 'FORBIDDEN', message: 'Not allowed.' };

let ran: unknown[] = [];

class NumberDto {
  @IsInt()
  n!: number;
}

/** Lets in those whose payload says so, of those whom decorators let in. */
@Injectable()
class WordGuard extends PeerGuard {
  protected override async isAllowed(
    peer: ZmqPeer,
    context: ZmqContext,
    execution: ExecutionContext,
  ): Promise<boolean> {
    const { word } = execution.switchToRpc().getData<{ word?: string }>();
    return word === 'sesame' && (await super.isAllowed(peer, context, execution));
  }
}

@Controller()
@UseGuards(WordGuard)
class WordController {
  @MessagePattern('word')
  word(): string {
    return 'open';
  }

  @EventPattern('said')
  said(@Payload() data: unknown): void {
    ran.push(data);
  }
}

@Controller()
@UseGuards(PeerGuard)
class HybridController {
  @Get('open')
  @MessagePattern('open')
  open(): string {
    return 'open';
  }

  @Get('local')
  @MessagePattern('local')
  @AllowPeers({ addresses: '127.0.0.1' })
  local(): string {
    return 'local';
  }

  @Get('anyone')
  @MessagePattern('anyone')
  @AllowPeers('anyone')
  anyone(@ZmqPeer() peer: ZmqPeer | undefined, @ZmqPeer('id') id: string | undefined): string {
    return `${typeof peer} ${typeof id}`;
  }
}

@Controller()
class WhoController {
  @MessagePattern('who')
  who(@ZmqPeer() peer: ZmqPeer, @Payload() { n }: NumberDto): unknown {
    return [peer, n];
  }

  @MessagePattern('where')
  where(@ZmqPeer('remoteAddress') address: string | undefined, @ZmqPeer('identity') identity?: string): unknown {
    return { address, identity };
  }

  @MessagePattern('checked')
  checked(@ZmqPeer('roles', { transform: (roles: string[]) => roles.length }) roles: number): number {
    return roles;
  }
}

beforeEach(() => {
  ran = [];
});

describe.each(MODES)('PeerGuard in %s mode', mode => {
  async function start() {
    const { app, server, endpoint } = await startApp([WordController], { imports: [ZmqModule.forRoot()] });
    const denials: ZmqDenial[] = [];
    app.get(ZmqEvents).denials.subscribe(denial => denials.push(denial));
    const warned: string[] = [];
    server.on('violation', ({ kind }) => warned.push(kind));
    return { server, denials, warned, caller: await createCaller(mode, endpoint) };
  }

  it('refuses whom a subclass does not let in, like the server', async () => {
    const { caller, server, denials, warned } = await start();
    expect(await caller.request('word', { word: 'sesame' })).toBe('open');
    expect(await caller.request('word', { word: 'nonsense' })).toEqual(FORBIDDEN);
    expect(server.getStats()).toMatchObject({ forbidden: 1, handlers: { word: { refused: { access: 1 } } } });
    expect(denials).toMatchObject([{ pattern: 'word', kind: 'request', count: 1 }]);
    await until(() => warned.includes('forbidden'));
  });

  it('drops events of whom a subclass does not let in', async () => {
    const { caller, server, denials } = await start();
    await caller.event('said', { word: 'nonsense' });
    await until(() => server.getStats().forbidden === 1);
    await caller.event('said', { word: 'sesame' });
    await until(() => ran.length > 0);
    expect(ran).toEqual([{ word: 'sesame' }]);
    expect(denials).toMatchObject([{ pattern: 'said', kind: 'event' }]);
  });
});

describe('PeerGuard in an application with HTTP', () => {
  it('lets HTTP in only where anyone is let in', async () => {
    @Module({ controllers: [HybridController], imports: [ZmqModule.forRoot()] })
    class AppModule {}
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    onCleanup(() => app.close());
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const answers = await Promise.all(
      ['open', 'local', 'anyone'].map(async path => {
        const response = await fetch(`${url}/${path}`);
        return response.ok ? response.text() : response.status;
      }),
    );
    expect(answers).toEqual(['open', 403, 'undefined undefined']);
  });
});

describe('@ZmqPeer()', () => {
  async function start(pipe?: ZmqValidationPipe) {
    const { endpoint } = await startApp([WhoController], {
      imports: [ZmqModule.forRoot()],
      server: { engine: 'gate' },
      configure: app => pipe && app.useGlobalPipes(pipe),
    });
    return connectClient(endpoint);
  }

  it.each([
    ['the pipe of the module', undefined],
    ['a pipe that transforms', new ZmqValidationPipe({ transform: true })],
    ['a pipe that validates values of custom decorators', new ZmqValidationPipe({ validateCustomDecorators: true })],
  ])('gives a handler its sender, with %s', async (_what, pipe) => {
    const client = await start(pipe);
    const [peer, n] = await ask<[ZmqPeer, number]>(client, 'who', { n: 5 });
    expect(n).toBe(5);
    expect(peer).toMatchObject({ id: expect.any(String) as string, address: '127.0.0.1', mechanism: 'NULL' });
    expect(await rejectionOf(ask(client, 'who', { n: 'five' }))).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('gives a handler what is known of the sender by a name', async () => {
    const client = await start();
    expect(await ask(client, 'where')).toEqual({ address: '127.0.0.1' });
  });

  it('takes pipes like other decorators of parameters', async () => {
    const client = await start();
    expect(await ask(client, 'checked')).toBe(0);
  });
});
