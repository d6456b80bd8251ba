import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern } from '@nestjs/microservices';
import { ZmqContext, type ZmqClientOptions, type ZmqServerOptions } from 'nestjs-zeromq';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { connectClient, createClient, startApp, until } from '../support/zmq-app.js';

const server = curveKeyPair();
const press = curveKeyPair();
const oven = curveKeyPair();
const stranger = curveKeyPair();

@Controller()
class WhoController {
  @MessagePattern('who')
  who(@Ctx() context: ZmqContext): unknown {
    const { identity = null, roles, listener, mechanism } = context.getPeer();
    return { identity, roles, listener, mechanism };
  }
}

const start = (options: Partial<ZmqServerOptions> = {}) =>
  startApp([WhoController], {
    server: {
      bind: { endpoint: 'tcp://127.0.0.1:*', name: 'machines' },
      curve: { secretKey: server.secretKey },
      identities: {
        'press-7': { curveKey: press.publicKey, roles: ['machine', 'press'] },
        'oven-1': { curveKey: oven.publicKey, roles: 'machine' },
      },
      ...options,
    },
  });

const as = ({ secretKey }: { secretKey: string }, serverKey = server.publicKey): ZmqClientOptions => ({
  curve: { secretKey, serverKey },
});

describe('CURVE', () => {
  it('tells handlers who has sent a request', async () => {
    const { endpoint } = await start();
    const first = await connectClient(endpoint, as(press));
    const second = await connectClient(endpoint, as(oven));
    const common = { listener: 'machines', mechanism: 'CURVE' };
    expect(await firstValueFrom(first.send('who', {}))).toEqual({
      ...common,
      identity: 'press-7',
      roles: ['machine', 'press'],
    });
    expect(await firstValueFrom(second.send('who', {}))).toEqual({
      ...common,
      identity: 'oven-1',
      roles: ['machine'],
    });
  });

  it('refuses a key that nobody has, without waiting, and tells the server the address', async () => {
    const { endpoint, server: zmq } = await start();
    const violations: unknown[] = [];
    zmq.on('violation', violation => violations.push(violation));
    await expect(createClient(endpoint, as(stranger)).connect()).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringContaining('the server does not let this client in'),
    });
    await until(() => violations.length > 0);
    expect(violations[0]).toMatchObject({
      kind: 'not-authenticated',
      address: '127.0.0.1',
      figures: { reason: 'unknown' },
    });
  });

  it('does not connect with a wrong serverKey, and says that it may be wrong', async () => {
    const { endpoint } = await start();
    const client = createClient(endpoint, { ...as(press, stranger.publicKey), connectTimeout: 500 });
    await expect(client.connect()).rejects.toMatchObject({ message: expect.stringContaining('serverKey may not be') });
  });

  it('lets in whoever has the key of the server where there are no identities', async () => {
    const { endpoint } = await start({ identities: {} });
    const client = await connectClient(endpoint, as(stranger));
    expect(await firstValueFrom(client.send('who', {}))).toMatchObject({ identity: null, mechanism: 'CURVE' });
  });

  it('knows a client again that has connected anew', async () => {
    const { endpoint, app } = await start();
    const client = await connectClient(endpoint, as(press));
    await firstValueFrom(client.send('who', {}));
    await app.close();
    await start({ bind: { endpoint, name: 'again' } });
    expect(await firstValueFrom(client.send('who', {}))).toMatchObject({ identity: 'press-7', listener: 'again' });
  });
});
