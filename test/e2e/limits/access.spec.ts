import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload, type Deserializer } from '@nestjs/microservices';
import {
  AllowPeers,
  Concurrency,
  MaxMessageSize,
  RateLimit,
  ZmqEvents,
  ZmqModule,
  type ZmqDenial,
  type ZmqModuleOptions,
  type ZmqServerOptions,
  type ZmqViolation,
} from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCaller, MODES } from '../../support/callers.js';
import { refuseUnhandledRejections } from '../../support/echo-app.js';
import { jsonOf, RawPeer, requestPacket } from '../../support/raw-peer.js';
import { rejectionOf, textPacket } from '../../support/rejection.js';
import { connectClient, createGate, startApp, until } from '../../support/zmq-app.js';

refuseUnhandledRejections();

const MINUTE = 60_000;
const STRANGER = '127.0.0.2';
const FORBIDDEN = { code: 'FORBIDDEN', message: 'Not allowed.' };

let ran: unknown[] = [];
let gate = createGate();

@Controller()
class DeskController {
  @MessagePattern('status')
  status(): string {
    return 'fine';
  }

  /** One call a minute of all callers together. */
  @MessagePattern('restart')
  @AllowPeers({ addresses: '127.0.0.1' }, { addresses: '127.0.0.3', roles: 'had-by-nobody' })
  @RateLimit({ points: 1, duration: MINUTE, by: () => 'all' })
  @MaxMessageSize(100)
  @Concurrency(1)
  restart(@Payload() data: unknown): unknown {
    ran.push(data);
    return data;
  }

  @MessagePattern('held')
  async held(): Promise<string> {
    await gate.opened;
    return 'held';
  }

  @EventPattern('heard')
  @AllowPeers({ addresses: '127.0.0.0/8' })
  heard(@Payload() data: unknown): void {
    ran.push(['desk', data]);
  }
}

@Controller()
@AllowPeers({ addresses: ['127.0.0.1', '10.0.0.0/8'] })
class OtherController {
  @EventPattern('heard')
  heard(@Payload() data: unknown): void {
    ran.push(['other', data]);
  }
}

/** Takes what comes for another name to be for the handler that not everybody may call, or for one that is not there. */
const renaming: Deserializer = {
  deserialize: (packet: { pattern: string }) => {
    const [, pattern = packet.pattern] = /^as (.*)$/.exec(packet.pattern) ?? [];
    return { ...packet, pattern };
  },
};

beforeEach(() => {
  ran = [];
  gate = createGate();
});

async function start(server: ZmqServerOptions = {}, options: ZmqModuleOptions = {}) {
  const started = await startApp([DeskController, OtherController], {
    imports: [ZmqModule.forRoot(options)],
    server: { engine: 'gate', drainTimeout: 50, ...server },
  });
  const denials: ZmqDenial[] = [];
  started.app.get(ZmqEvents).denials.subscribe(denial => denials.push(denial));
  return { ...started, denials };
}

describe.each(MODES)('access in %s mode', mode => {
  it('is for whoever fits a rule, and for nobody else', async () => {
    const { endpoint, server } = await start();
    const [desk, stranger, third] = await Promise.all(
      ['127.0.0.1', STRANGER, '127.0.0.3'].map(source => createCaller(mode, endpoint, source)),
    );
    expect(await stranger?.request('restart', 1)).toEqual(FORBIDDEN);
    expect(await third?.request('restart', 2)).toEqual(FORBIDDEN);
    expect(await desk?.request('restart', 3)).toBe(3);
    expect(await stranger?.request('status')).toBe('fine');
    expect(ran).toEqual([3]);
    expect(server.getStats()).toMatchObject({
      forbidden: 2,
      refused: 0,
      handlers: { restart: { refused: { access: 2, size: 0, rate: 0, overload: 0 } } },
    });
  });

  it('is decided before sizes and rates, of which whoever is refused learns and uses nothing', async () => {
    const { endpoint, server } = await start();
    const stranger = await createCaller(mode, endpoint, STRANGER);
    const large = 'x'.repeat(1_000);
    const answers = [await stranger.request('restart'), await stranger.request('restart', large)];
    expect(answers).toEqual([FORBIDDEN, FORBIDDEN]);
    const desk = await createCaller(mode, endpoint);
    expect(await desk.request('restart', 'first')).toBe('first');
    expect(await desk.request('restart', 'second')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await stranger.request('restart', 'third')).toEqual(FORBIDDEN);
    expect(server.getStats()).toMatchObject({ forbidden: 3, rateLimited: 1 });
  });

  it('to an event is for whoever all of its handlers let in', async () => {
    const { endpoint, server, denials } = await start();
    const desk = await createCaller(mode, endpoint);
    const stranger = await createCaller(mode, endpoint, STRANGER);
    await stranger.event('heard', 'denied');
    await until(() => server.getStats().forbidden === 1);
    await desk.event('heard', 'allowed');
    await until(() => ran.length === 2);
    expect(ran).toEqual(
      expect.arrayContaining([
        ['desk', 'allowed'],
        ['other', 'allowed'],
      ]),
    );
    expect(denials).toMatchObject([{ pattern: 'heard', kind: 'event', count: 1, peer: { address: STRANGER } }]);
  });

  it('is that of the pattern which a deserializer makes of another one', async () => {
    const { endpoint, server, denials } = await start({ deserializer: renaming });
    const stranger = await createCaller(mode, endpoint, STRANGER);
    expect(await stranger.request('as restart', 1)).toEqual(FORBIDDEN);
    expect(await stranger.request('restart', 2)).toEqual(FORBIDDEN);
    await stranger.event('as heard', 3);
    await until(() => server.getStats().forbidden === 3);
    expect(await stranger.request('as status')).toBe('fine');
    expect(await stranger.request('as nothing')).toMatchObject({ code: 'NO_HANDLER' });
    const desk = await createCaller(mode, endpoint);
    expect(await desk.request('as restart', 4)).toBe(4);
    expect(ran).toEqual([4]);
    expect(denials.map(({ pattern, kind }) => `${kind} ${pattern}`)).toEqual(['request restart', 'event heard']);
  });

  it('tells no more of a handler than of none where everything is denied by default', async () => {
    const options = { denyByDefault: true, handlers: { held: { allowPeers: 'anyone' as const } } };
    const { endpoint, denials } = await start({ limits: { maxRequestsPerPeer: 1 } }, options);
    const stranger = await createCaller(mode, endpoint, STRANGER);
    const patterns = ['restart', 'status', 'heard', 'nothing', '__proto__'];
    const ask = async () => {
      const answers: unknown[] = [];
      for (const pattern of patterns) {
        answers.push(await stranger.request(pattern, 'x'.repeat(500)));
      }
      return answers;
    };
    expect(await ask()).toEqual(patterns.map(() => FORBIDDEN));
    // As many requests as a peer may have under way: another refusal would tell which handlers there are.
    await stranger.begin('held');
    expect(await ask()).toEqual(patterns.map(() => FORBIDDEN));
    gate.open();
    expect(new Set(denials.map(({ pattern }) => pattern))).toEqual(
      new Set(['restart', 'status', 'heard', '__unknown__']),
    );
  });

  it('to patterns without a handler is told as such where not everything is denied', async () => {
    const { endpoint } = await start();
    const stranger = await createCaller(mode, endpoint, STRANGER);
    expect(await stranger.request('nothing')).toMatchObject({ code: 'NO_HANDLER' });
  });
});

describe('access', () => {
  it('is decided before anything is decoded', async () => {
    const { endpoint } = await start();
    const peer = new RawPeer(endpoint.replace('tcp://', `tcp://${STRANGER}:0;`));
    await peer.hello();
    await peer.send(textPacket('restart', '{"broken', 1));
    expect(await peer.nextError()).toEqual({ id: 1, error: FORBIDDEN });
  });

  it('keeps sizes to itself of handlers that not everybody may call', async () => {
    const { endpoint } = await start({}, { limits: { maxMessageSize: '1kb' } });
    const peer = new RawPeer(endpoint);
    const { limits } = jsonOf(await peer.hello()) as { limits: { maxSizes?: object } };
    expect(Object.keys(limits.maxSizes ?? {})).toEqual(['status', 'held']);
  });

  it('by the roles of a listener is for those who come to it', async () => {
    const bind = [{ endpoint: 'tcp://127.0.0.1:*', roles: 'operator' }, 'tcp://127.0.0.1:*'];
    const handlers = { status: { allowPeers: { roles: ['admin', 'operator'] } } };
    const { server } = await start({ bind }, { handlers });
    const [inner, outer] = await Promise.all(server.endpoints.map(endpoint => createCaller('binary', endpoint)));
    expect(await inner?.request('status')).toBe('fine');
    expect(await outer?.request('status')).toEqual(FORBIDDEN);
  });

  it('is asked for with ClientZmq like all else', async () => {
    const { endpoint } = await start({}, { handlers: { status: { allowPeers: { addresses: STRANGER } } } });
    const client = await connectClient(endpoint);
    const answer = new Promise((resolve, reject) => {
      client.send('status', {}).subscribe({ next: resolve, error: reject });
    });
    expect(await rejectionOf(answer)).toMatchObject({ ...FORBIDDEN, retryable: false });
  });

  it('of nobody whose address is not known is had by address, with the engine zeromq', async () => {
    const { endpoint } = await start({ engine: 'zeromq' });
    const desk = await createCaller('binary', endpoint);
    expect(await desk.request('restart')).toEqual(FORBIDDEN);
    expect(await desk.request('status')).toBe('fine');
  });

  it('is reported: each sender and pattern once a second with a count, and as a violation', async () => {
    const { endpoint, server, denials, app } = await start();
    const violations: ZmqViolation[] = [];
    server.on('violation', violation => violations.push(violation));
    const stranger = await createCaller('binary', endpoint, STRANGER);
    for (let i = 0; i < 10; i++) {
      await stranger.request('restart');
    }
    expect(denials).toMatchObject([{ pattern: 'restart', kind: 'request', count: 1, peer: { address: STRANGER } }]);
    expect(violations).toMatchObject([{ id: 'A23', kind: 'forbidden', action: 'refuse', address: STRANGER }]);
    await app.close();
    expect(denials.map(({ count }) => count)).toEqual([1, 9]);
  });

  it('is not answered any more for a while to whoever keeps asking', async () => {
    const { endpoint, server } = await start({ gate: { refusalRate: 5 } });
    const kinds: string[] = [];
    server.on('violation', ({ kind, action }) => kinds.push(`${kind} ${action}`));
    const peer = new RawPeer(endpoint.replace('tcp://', `tcp://${STRANGER}:0;`));
    await peer.hello();
    await peer.send(...Array.from({ length: 50 }, (_, index) => requestPacket(index + 1, 'restart', {})));
    await until(() => kinds.includes('handler-rate pause'));
    expect(kinds[0]).toBe('forbidden refuse');
  });
});
