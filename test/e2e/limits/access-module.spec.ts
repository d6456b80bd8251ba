import { Controller, Logger } from '@nestjs/common';
import { EventPattern, MessagePattern } from '@nestjs/microservices';
import {
  AllowPeers,
  ZmqLimits,
  ZmqModule,
  type ZmqLimitChange,
  ZmqEvents,
  type ZmqHandlerLimits,
  type ZmqModuleOptions,
} from 'nestjs-zeromq';
import { describe, expect, it, vi } from 'vitest';
import { createCaller } from '../../support/callers.js';
import { refusalOf } from '../../support/refusal.js';
import { onCleanup, startApp } from '../../support/zmq-app.js';

const FORBIDDEN = { code: 'FORBIDDEN', message: 'Not allowed.' };

@Controller()
class MixedController {
  @MessagePattern('silent')
  silent(): string {
    return 'silent';
  }

  @MessagePattern('open')
  @AllowPeers('anyone')
  open(): string {
    return 'open';
  }

  @MessagePattern('local')
  @AllowPeers({ addresses: '127.0.0.1' })
  local(): string {
    return 'local';
  }

  @EventPattern<string>('heard')
  @AllowPeers('anyone')
  heard(): void {}
}

@Controller()
class SilentController {
  @EventPattern<string>('heard')
  heard(): void {}
}

async function start(options: ZmqModuleOptions = {}) {
  const { app, server, endpoint } = await startApp([MixedController, SilentController], {
    imports: [ZmqModule.forRoot(options)],
    server: { engine: 'gate' },
  });
  const [desk, stranger] = await Promise.all(
    ['127.0.0.1', '127.0.0.2'].map(source => createCaller('binary', endpoint, source)),
  );
  /** What the handlers answer to somebody from 127.0.0.1, and to somebody from 127.0.0.2. */
  const answers = async () => {
    const codes: unknown[] = [];
    for (const caller of [desk, stranger]) {
      for (const pattern of ['silent', 'open', 'local']) {
        const answer = await caller?.request(pattern);
        codes.push(typeof answer === 'string' ? answer : (answer as { code: string }).code);
      }
    }
    return codes.join(' ');
  };
  return { limits: app.get(ZmqLimits), events: app.get(ZmqEvents), server, answers, desk, stranger };
}

describe('access that the module settles', () => {
  it('is for everybody where nothing is said', async () => {
    const { answers } = await start();
    expect(await answers()).toBe('silent open local silent open FORBIDDEN');
  });

  it('is for nobody where nothing is said and everything is denied by default', async () => {
    const { answers, limits } = await start({ denyByDefault: true });
    expect(await answers()).toBe('FORBIDDEN open local FORBIDDEN open FORBIDDEN');
    expect(limits.inForce.defaults).toEqual({ allowPeers: [] });
    expect(limits.inForce.handlers['heard']).toEqual({ allowPeers: [] });
  });

  it('is what holds for all handlers that say nothing themselves, denied by default or not', async () => {
    for (const denyByDefault of [true, false]) {
      const { answers, stranger } = await start({ denyByDefault, limits: { allowPeers: { addresses: '127.0.0.2' } } });
      expect(await answers()).toBe('FORBIDDEN open local silent open FORBIDDEN');
      const unknown = await stranger?.request('unknown');
      expect(unknown).toMatchObject({ code: denyByDefault ? 'FORBIDDEN' : 'NO_HANDLER' });
    }
  });

  it('is what is configured for a handler before what its decorators say', async () => {
    const handlers = { local: { allowPeers: 'anyone' }, open: { allowPeers: [] } } as const;
    const { answers } = await start({ handlers });
    expect(await answers()).toBe('silent FORBIDDEN local silent FORBIDDEN local');
  });

  it('changes while the server runs, for the peers that are there', async () => {
    const { limits, events, answers, stranger } = await start();
    const changes: ZmqLimitChange[] = [];
    events.limitChanges.subscribe(change => changes.push(change));
    const change = async (allowPeers: NonNullable<ZmqHandlerLimits['allowPeers']>) => {
      limits.change({ handlers: { local: { allowPeers } } }, 'operator');
      return stranger?.request('local');
    };
    expect(await stranger?.request('local')).toEqual(FORBIDDEN);
    expect(await change({ addresses: ['127.0.0.2', '127.0.0.1'] })).toBe('local');
    expect(await change([])).toEqual(FORBIDDEN);
    expect(await change('anyone')).toBe('local');
    expect(await change({ identities: 'somebody else' })).toEqual(FORBIDDEN);
    limits.change({ defaults: { allowPeers: [] } });
    expect(await answers()).toBe('FORBIDDEN open FORBIDDEN FORBIDDEN open FORBIDDEN');
    expect(changes.slice(0, 2)).toMatchObject([
      {
        limit: 'handlers.local.allowPeers',
        from: [{ addresses: ['127.0.0.1/32'] }],
        to: [{ addresses: ['127.0.0.2/32', '127.0.0.1/32'] }],
        by: 'operator',
      },
      { limit: 'handlers.local.allowPeers', to: [] },
    ]);
  });

  it('stays as it is when a change is none', async () => {
    const { limits, answers } = await start();
    const refusal = refusalOf(() => limits.change({ handlers: { open: { allowPeers: { roles: [] } } } }));
    expect(refusal.message).toContain("handlers['open'].allowPeers.roles must have from 1");
    const { handlers, defaults } = limits.inForce;
    limits.change({ handlers, defaults });
    expect(await answers()).toBe('silent open local silent open FORBIDDEN');
    expect(limits.inForce.handlers).toEqual(handlers);
  });

  it('to handlers that nobody may call is told of at the start', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    onCleanup(() => warned.mockRestore());
    const lines = () => warned.mock.calls.map(([line]) => String(line)).filter(line => line.includes('Nobody'));
    await start({ denyByDefault: true });
    expect(lines()).toEqual([
      "Nobody may call 'silent', 'heard': denyByDefault is on, and neither @AllowPeers() nor limits let anybody in.",
    ]);
    await start({ denyByDefault: true, limits: { allowPeers: 'anyone' } });
    await start({
      denyByDefault: true,
      handlers: { silent: { allowPeers: 'anyone' }, heard: { allowPeers: 'anyone' } },
    });
    await start();
    expect(lines()).toHaveLength(1);
  });

  it('to very many of them is told of in a line that ends', async () => {
    const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    onCleanup(() => warned.mockRestore());
    class ManyController {
      many(): void {}
    }
    Controller()(ManyController);
    const method = Object.getOwnPropertyDescriptor(ManyController.prototype, 'many') as PropertyDescriptor;
    const patterns = Array.from({ length: 50 }, (_, index) => `handler ${index}`);
    MessagePattern(patterns)(ManyController.prototype, 'many', method);
    await startApp([ManyController], { imports: [ZmqModule.forRoot({ denyByDefault: true })] });
    const [line = ''] = warned.mock.calls.map(([each]) => String(each)).filter(each => each.includes('Nobody'));
    expect(line).toContain("'handler 19' and 30 more");
    expect(line).not.toContain("'handler 20'");
  });

  it('cannot be settled by decorators without the module, which a server refuses to start with', async () => {
    await expect(startApp([MixedController])).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringMatching(/'(open|local|heard)'.*ZmqModule/) as string,
    });
  });
});
