import {
  Controller,
  Inject,
  Injectable,
  Logger,
  Module,
  type CallHandler,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  MaxMessageSize,
  SizeViolationInterceptor,
  ZmqContext,
  ZmqModule,
  ZmqRecordBuilder,
  type ZmqModuleExtras,
  type ZmqModuleOptions,
  type ZmqServerOptions,
  type ZmqSizeViolation,
  type ZmqViolation,
} from 'nestjs-zeromq';
import { finalize, NEVER, of, throwError, type Observable } from 'rxjs';
import { Request } from 'zeromq';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { PacketKind } from '../../../lib/wire/packet.js';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { controlPacket, eventPacket, jsonOf, RawPeer, requestPacket } from '../../support/raw-peer.js';
import { ask, askJson, rejectionOf } from '../../support/rejection.js';
import { connectClient, onCleanup, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

/** What policies, and handlers, were called with. */
let seen: unknown[] = [];
const TOO_LARGE = 'x'.repeat(200);

const decideLater = async ({ actual }: ZmqSizeViolation, context: ZmqContext) => {
  await Promise.resolve();
  seen.push([context.getPattern(), context.getMetadata()?.['tenant'], actual]);
  return context.getMetadata()?.['tenant'] === 'silent' ? ('discard' as const) : ('reject' as const);
};

@Controller()
@MaxMessageSize(100, { onViolation: 'discard' })
class PoliciesController {
  @MessagePattern('discard')
  discard(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('reject')
  @MaxMessageSize(100, { onViolation: 'reject' })
  reject(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('disconnect')
  @MaxMessageSize(100, { onViolation: 'disconnect' })
  disconnect(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('sync')
  @MaxMessageSize(100, { onViolation: violation => void seen.push({ ...violation }) })
  sync(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('async')
  @MaxMessageSize(100, { onViolation: decideLater })
  async(@Payload() data: string): number {
    return data.length;
  }

  @MessagePattern('throws')
  @MaxMessageSize(100, {
    onViolation: () => {
      throw new Error('secret');
    },
  })
  throws(@Payload() data: string): number {
    return data.length;
  }

  @EventPattern('noted')
  @MaxMessageSize(100, { onViolation: decideLater })
  noted(@Payload() data: string): void {
    seen.push(data);
  }
}

/** With a limit only: the interceptor decides. */
@Controller()
class PlainController {
  @MessagePattern('small')
  @MaxMessageSize(100)
  small(@Payload() data: string): number {
    seen.push('handler');
    return data.length;
  }

  @EventPattern('noted')
  @MaxMessageSize(100)
  noted(@Payload() _data: string): void {
    seen.push('handler');
  }
}

@Injectable()
class Audit {
  readonly violations: string[] = [];
}

@Module({ providers: [Audit], exports: [Audit] })
class AuditModule {}

@Injectable()
class AuditInterceptor extends SizeViolationInterceptor {
  constructor(@Inject(Audit) private readonly audit: Audit) {
    super();
  }

  override intercept(context: ExecutionContext, next: CallHandler) {
    const { violation } = context.switchToRpc().getContext<ZmqContext>();
    this.audit.violations.push(`${context.getClass().name}.${context.getHandler().name} ${violation?.actual}`);
    return super.intercept(context, next);
  }
}

/** An interceptor that does what a test says. */
let behaviour: (violation: ZmqSizeViolation, next: CallHandler) => Observable<unknown> | Promise<Observable<unknown>>;

@Injectable()
class TestInterceptor extends SizeViolationInterceptor {
  override intercept(context: ExecutionContext, next: CallHandler) {
    const { violation } = context.switchToRpc().getContext<ZmqContext>();
    return behaviour(violation as ZmqSizeViolation, next);
  }
}

beforeEach(() => {
  seen = [];
  behaviour = (_violation, next) => next.handle();
});

type Engine = NonNullable<ZmqServerOptions['engine']>;

async function startOn(engine: Engine, controller: Type, options: ZmqModuleOptions & ZmqModuleExtras = {}) {
  const imports = [ZmqModule.forRoot(options)];
  const app = await startApp([controller], { imports, server: { engine, drainTimeout: 100 } });
  const violations: ZmqViolation[] = [];
  app.server.on('violation', violation => violations.push(violation));
  return { ...app, violations };
}

async function startRawOn(engine: Engine) {
  const app = await startOn(engine, PoliciesController);
  const peer = new RawPeer(app.endpoint);
  await peer.hello();
  return { ...app, peer };
}

describe.each<Engine>(['gate', 'zeromq'])('excess of sizes, engine %s', engine => {
  const isGate = engine === 'gate';

  const start = (controller: Type, options?: ZmqModuleOptions & ZmqModuleExtras) =>
    startOn(engine, controller, options);
  const startRaw = () => startRawOn(engine);

  describe('with policies', () => {
    it('leaves the caller without an answer', async () => {
      const { peer, server } = await startRaw();
      await peer.send(requestPacket(1, 'discard', TOO_LARGE), requestPacket(2, 'reject', TOO_LARGE));
      expect(await peer.nextError()).toMatchObject({ id: 2, error: { code: 'PAYLOAD_TOO_LARGE' } });
      await peer.send(requestPacket(3, 'discard', 'fits'));
      expect((await peer.next(PacketKind.Response)).id).toBe(3);
      expect(server.getStats()).toMatchObject({ refused: 2, requests: 1, running: 0, heldBytes: 0 });
    });

    it('lets a request that is left without an answer end by its own timeout', async () => {
      const { endpoint, server } = await start(PoliciesController);
      const client = await connectClient(endpoint, { timeout: 200 });
      const silent = new ZmqRecordBuilder(TOO_LARGE).setMetadata({ tenant: 'silent' }).build();
      expect(await rejectionOf(ask(client, 'async', silent))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(server.getStats()).toMatchObject({ refused: 1, requests: 0 });
    });

    it('asks a function, which may leave the decision as it is', async () => {
      const { endpoint } = await start(PoliciesController);
      const client = await connectClient(endpoint);
      expect(await rejectionOf(ask(client, 'sync', TOO_LARGE))).toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        details: { limit: 100, actual: 202 },
      });
      expect(seen).toEqual([{ pattern: 'sync', limit: 100, actual: 202, action: 'reject' }]);
    });

    it('waits for a function, which sees the metadata', async () => {
      const { endpoint } = await start(PoliciesController);
      const client = await connectClient(endpoint);
      const record = new ZmqRecordBuilder(TOO_LARGE).setMetadata({ tenant: 'a' }).build();
      expect(await rejectionOf(ask(client, 'async', record))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect(seen).toEqual([['async', 'a', 202]]);
    });

    it('refuses where the function fails, and keeps what it said to itself', async () => {
      const warned = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      onCleanup(() => warned.mockRestore());
      const { endpoint } = await start(PoliciesController);
      const client = await connectClient(endpoint);
      const error = await rejectionOf(ask(client, 'throws', TOO_LARGE));
      expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect(error.message).not.toContain('secret');
      expect(warned.mock.calls.flat().join()).toContain('secret');
    });

    it('asks about events, and goes on giving their sender credit', async () => {
      const { peer, server } = await startRaw();
      for (let batch = 0; batch < 10; batch++) {
        await peer.send(...Array.from({ length: 20 }, () => eventPacket('noted', 'x'.repeat(10_000))));
      }
      const { amount } = await peer.next(PacketKind.Credit);
      expect(amount).toBeGreaterThan(0);
      await until(() => seen.length === 200);
      expect(server.getStats()).toMatchObject({ refused: 200, events: 0 });
    });

    it('answers in JSON mode, and every message of a REQ socket', async () => {
      const { endpoint } = await start(PoliciesController);
      const peer = new RawPeer(endpoint);
      expect(await askJson(peer, { id: '1', pattern: 'async', data: TOO_LARGE })).toMatchObject({
        id: '1',
        err: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 100, actual: 202 } },
      });
      const request = new Request({ linger: 0, receiveTimeout: 3_000 });
      onCleanup(() => request.close());
      request.connect(endpoint);
      const answers: unknown[] = [];
      for (const item of [{ id: '1', pattern: 'discard' }, { pattern: 'noted' }, { id: '2', pattern: 'async' }]) {
        await request.send(JSON.stringify({ ...item, data: TOO_LARGE }));
        answers.push(JSON.parse(String((await request.receive())[0])));
      }
      expect(answers).toMatchObject([[], { isDisposed: true }, { id: '2', err: { code: 'PAYLOAD_TOO_LARGE' } }]);
    });

    it('tells of it as a violation', async () => {
      const { peer, violations } = await startRaw();
      await peer.send(requestPacket(1, 'reject', TOO_LARGE));
      await peer.nextError();
      expect(violations).toMatchObject([
        { id: 'A1', kind: 'handler-size', action: 'refuse', count: 1, figures: { limit: 100, actual: 202 } },
      ]);
    });
  });

  describe('with an interceptor', () => {
    const options = { sizeViolationInterceptor: TestInterceptor };

    async function clientOf(given: ZmqModuleOptions & ZmqModuleExtras = options) {
      const app = await start(PlainController, given);
      return { ...app, client: await connectClient(app.endpoint, { timeout: 300 }) };
    }

    it('asks one that is given what it needs, with class and method of the handler', async () => {
      const { client, app } = await clientOf({ imports: [AuditModule], sizeViolationInterceptor: AuditInterceptor });
      expect(await rejectionOf(ask(client, 'small', TOO_LARGE))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect(await ask(client, 'small', 'fits')).toBe(4);
      expect(app.get(Audit, { strict: false }).violations).toEqual(['PlainController.small 202']);
      expect(seen).toEqual(['handler']);
    });

    it('answers what it returns', async () => {
      const { client, endpoint } = await clientOf();
      behaviour = () => of('too much');
      expect(await ask(client, 'small', TOO_LARGE)).toBe('too much');
      behaviour = ({ actual }) => Promise.resolve(of({ actual }));
      expect(await askJson(new RawPeer(endpoint), { id: '1', pattern: 'small', data: TOO_LARGE })).toEqual({
        id: '1',
        response: { actual: 202 },
        isDisposed: true,
      });
      expect(seen).toEqual([]);
    });

    it('does what it sets as the action', async () => {
      const { client, server } = await clientOf();
      behaviour = (violation, next) => {
        violation.action = 'discard';
        return next.handle();
      };
      expect(await rejectionOf(ask(client, 'small', TOO_LARGE))).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      behaviour = (violation, next) => {
        violation.action = 'disconnect';
        return next.handle();
      };
      expect(await rejectionOf(ask(client, 'small', TOO_LARGE))).toMatchObject({
        code: isGate ? 'DISCONNECTED' : 'PAYLOAD_TOO_LARGE',
      });
      expect(server.getStats().refused).toBe(2);
    });

    it('answers what it throws, without internals', async () => {
      const { client } = await clientOf();
      behaviour = () => throwError(() => new RpcException({ code: 'FORBIDDEN', message: 'Not you.' }));
      expect(await rejectionOf(ask(client, 'small', TOO_LARGE))).toMatchObject({ code: 'FORBIDDEN' });
      behaviour = () => {
        throw new Error('secret');
      };
      const error = await rejectionOf(ask(client, 'small', TOO_LARGE));
      expect(error).toMatchObject({ code: 'INTERNAL', message: 'Internal server error' });
    });

    it('refuses when it does not decide in time', { timeout: 20_000 }, async () => {
      const { endpoint } = await clientOf();
      const client = await connectClient(endpoint, { timeout: 10_000 });
      let isStopped = false;
      behaviour = () => NEVER.pipe(finalize(() => (isStopped = true)));
      expect(await rejectionOf(ask(client, 'small', TOO_LARGE))).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
      expect(isStopped).toBe(true);
    });

    it('is asked about events', async () => {
      const { endpoint, server } = await clientOf();
      behaviour = ({ pattern }, next) => {
        seen.push(pattern);
        return next.handle();
      };
      const peer = new RawPeer(endpoint);
      await peer.hello();
      await peer.send(eventPacket('noted', TOO_LARGE));
      await until(() => seen.length > 0);
      expect(seen).toEqual(['noted']);
      expect(server.getStats()).toMatchObject({ events: 0, refused: 1 });
    });

    it('is left alone where the module says so', async () => {
      const { endpoint } = await clientOf({ ...options, sizeViolations: false });
      behaviour = () => of('too much');
      const peer = new RawPeer(endpoint);
      expect(jsonOf(await peer.hello())).toMatchObject({ limits: { maxSizes: { small: 100, noted: 100 } } });
      await peer.send(requestPacket(1, 'small', TOO_LARGE));
      expect((await peer.nextError()).error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    });

    it('does nothing for one who has left meanwhile', async () => {
      const { endpoint, server } = await clientOf();
      let decide: (answer: Observable<unknown>) => void = () => undefined;
      behaviour = () => new Promise(resolve => (decide = resolve));
      const peer = new RawPeer(endpoint);
      await peer.hello();
      await peer.send(requestPacket(1, 'small', TOO_LARGE));
      await until(() => server.getStats().refused === 1);
      await peer.send(controlPacket(PacketKind.Goaway));
      peer.close();
      decide(of('too late'));
      const client = await connectClient(endpoint);
      expect(await ask(client, 'small', 'fits')).toBe(4);
    });
  });
});

describe('a policy that ends connections', () => {
  const twoRequests = [requestPacket(1, 'disconnect', TOO_LARGE), requestPacket(2, 'reject', 'after it')];

  it('ends them at the gate, with all that comes after', async () => {
    const { peer, server, violations } = await startRawOn('gate');
    await peer.send(...twoRequests);
    await until(() => server.getStats().connections === 0);
    expect(server.getStats()).toMatchObject({ requests: 0, peers: 0, violations: 1 });
    expect(violations).toMatchObject([
      { kind: 'handler-size', action: 'disconnect', count: 1, figures: { limit: 100, actual: 202 } },
    ]);
  });

  it('refuses with libzmq, which ends none', async () => {
    const { peer, server } = await startRawOn('zeromq');
    await peer.send(...twoRequests);
    expect(await peer.nextError()).toMatchObject({ id: 1, error: { code: 'PAYLOAD_TOO_LARGE' } });
    expect((await peer.next(PacketKind.Response)).id).toBe(2);
    expect(server.getStats().violations).toBe(1);
  });
});
