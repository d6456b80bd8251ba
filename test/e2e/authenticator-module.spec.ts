import 'reflect-metadata';
import { Controller, Injectable, Logger, Module, Scope } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import {
  AllowPeers,
  ZmqModule,
  ZmqPeer,
  type ZmqAuthenticator,
  type ZmqCredentials,
  type ZmqIdentity,
  type ZmqModuleExtras,
} from 'nestjs-zeromq';
import { describe, expect, it, vi } from 'vitest';
import { ask, rejectionOf } from '../support/rejection.js';
import { connectClient, createClient, onCleanup, startApp, type StartAppOptions } from '../support/zmq-app.js';

/** Stands for a database. */
@Injectable()
class Directory {
  private readonly people: ReadonlyMap<string, ZmqIdentity & { readonly password: string }> = new Map([
    ['ada', { name: 'ada', roles: ['operator'], password: 'tea at noon' }],
    ['bob', { name: 'bob', password: 'none of yours' }],
  ]);

  async find({ username = '', password }: ZmqCredentials): Promise<ZmqIdentity | undefined> {
    await Promise.resolve();
    const person = this.people.get(username);
    return person !== undefined && person.password === password
      ? { name: person.name, ...(person.roles !== undefined && { roles: person.roles }) }
      : undefined;
  }
}

@Module({ providers: [Directory], exports: [Directory] })
class DirectoryModule {}

@Injectable()
class DirectoryAuthenticator implements ZmqAuthenticator {
  constructor(private readonly directory: Directory) {}

  authenticate(credentials: ZmqCredentials): Promise<ZmqIdentity | undefined> {
    if (credentials.username === 'breaks') {
      throw new Error('The directory is down');
    }
    return this.directory.find(credentials);
  }
}

@Injectable({ scope: Scope.REQUEST })
class ScopedAuthenticator extends DirectoryAuthenticator {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientAuthenticator extends DirectoryAuthenticator {}

@Injectable({ scope: Scope.REQUEST })
class ScopedService {}

@Module({ providers: [ScopedService], exports: [ScopedService] })
class ScopedModule {}

/** Made for each request because of what it injects. */
@Injectable()
class NeedyAuthenticator implements ZmqAuthenticator {
  constructor(readonly service: ScopedService) {}

  authenticate(): undefined {
    return undefined;
  }
}

@Injectable()
class NoAuthenticator {}

@Controller()
class DeskController {
  @MessagePattern('who')
  who(@ZmqPeer() { identity, roles }: ZmqPeer): unknown {
    return { identity: identity ?? null, roles };
  }

  @MessagePattern('restart')
  @AllowPeers({ roles: 'operator' })
  restart(): string {
    return 'restarted';
  }
}

const PLAIN = { bind: { endpoint: 'tcp://127.0.0.1:*', mechanism: 'PLAIN' } } as const;

function start(imports: StartAppOptions['imports'] = [], server: StartAppOptions['server'] = {}) {
  return startApp([DeskController], { imports, server: { ...PLAIN, ...server } });
}

const withDirectory: ZmqModuleExtras = { authenticator: DirectoryAuthenticator, imports: [DirectoryModule] };

const as = (username: string, password: string) => ({ plain: { username, password } });

describe.each([
  ['forRoot', () => ZmqModule.forRoot(withDirectory)],
  ['forRootAsync', () => ZmqModule.forRootAsync({ ...withDirectory, useFactory: () => ({}) })],
])('an authenticator given to %s', (_name, module) => {
  it('says who peers are by what Nest has injected', async () => {
    const { endpoint } = await start([module()]);
    const ada = await connectClient(endpoint, as('ada', 'tea at noon'));
    const bob = await connectClient(endpoint, as('bob', 'none of yours'));
    expect(await ask(ada, 'who')).toEqual({ identity: 'ada', roles: ['operator'] });
    expect(await ask(bob, 'who')).toEqual({ identity: 'bob', roles: [] });
    expect(await ask(ada, 'restart')).toBe('restarted');
    expect(await rejectionOf(ask(bob, 'restart'))).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('lets in nobody whom it does not know', async () => {
    const { endpoint } = await start([module()]);
    const wrong = createClient(endpoint, as('ada', 'none of yours'));
    expect(await rejectionOf(wrong.connect())).toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('an authenticator of the application', () => {
  it('stands back where the options of the server have one', async () => {
    const own: ZmqAuthenticator = { authenticate: () => ({ name: 'carol' }) };
    const { endpoint } = await start([ZmqModule.forRoot(withDirectory)], { authenticator: own });
    const client = await connectClient(endpoint, as('ada', 'anything'));
    expect(await ask(client, 'who')).toEqual({ identity: 'carol', roles: [] });
  });

  it.each([ScopedAuthenticator, TransientAuthenticator, NeedyAuthenticator])(
    'is refused at the start if it is %o, which is not made once',
    async authenticator => {
      const imports = [ZmqModule.forRoot({ authenticator, imports: [DirectoryModule, ScopedModule] })];
      expect(await rejectionOf(start(imports))).toMatchObject({
        code: 'INVALID_OPTIONS',
        message: expect.stringContaining('The authenticator of ZmqModule') as string,
      });
    },
  );

  it('is refused at the start if it cannot authenticate', async () => {
    const authenticator = NoAuthenticator as unknown as NonNullable<ZmqModuleExtras['authenticator']>;
    expect(await rejectionOf(start([ZmqModule.forRoot({ authenticator })]))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('authenticate()') as string,
    });
  });

  it('fails in a line of the log now and then, lets in nobody then, and harms nobody else', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    onCleanup(() => warned.mockRestore());
    const { endpoint } = await start([ZmqModule.forRoot(withDirectory)]);
    for (let i = 0; i < 5; i++) {
      // Nothing is wrong with the client, as far as anybody knows: it may try again.
      const broken = createClient(endpoint, { ...as('breaks', 'everything'), connectTimeout: 200 });
      expect(await rejectionOf(broken.connect())).toMatchObject({ code: 'DISCONNECTED', retryable: true });
    }
    const lines = warned.mock.calls.map(([line]) => String(line)).filter(line => line.includes('authenticator'));
    expect(lines).toEqual(['The authenticator failed: Error: The directory is down']);
    const ada = await connectClient(endpoint, as('ada', 'tea at noon'));
    expect(await ask(ada, 'restart')).toBe('restarted');
  });
});
