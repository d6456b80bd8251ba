import 'reflect-metadata';
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern } from '@nestjs/microservices';
import { AllowPeers, ZmqContext, ZmqModule, type ZmqServerOptions, type ZmqViolation } from 'nestjs-zeromq';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { createKeyProof } from '../../lib/security/key-proof.js';
import { BATCH_MARK, PacketKind } from '../../lib/wire/packet.js';
import { refuseUnhandledRejections } from '../support/echo-app.js';
import { controlPacket, jsonOf, RawPeer, requestPacket } from '../support/raw-peer.js';
import { startApp, until } from '../support/zmq-app.js';

refuseUnhandledRejections();

const server = curveKeyPair();
const press = curveKeyPair();
const oven = curveKeyPair();
const stranger = curveKeyPair();

const IDENTITIES = {
  press: { curveKey: press.publicKey, roles: 'machine' },
  oven: { curveKey: oven.publicKey, roles: 'machine' },
};

@Controller()
class WhoController {
  @MessagePattern('who')
  who(@Ctx() context: ZmqContext): unknown {
    return context.getPeer().identity ?? 'nobody';
  }

  @MessagePattern('machines')
  @AllowPeers({ roles: 'machine' })
  machines(@Ctx() context: ZmqContext): unknown {
    return context.getPeer().identity ?? 'nobody';
  }
}

async function start(options: ZmqServerOptions = {}) {
  const { server: zmq, endpoint } = await startApp([WhoController], {
    imports: [ZmqModule.forRoot()],
    server: { curve: { secretKey: server.secretKey }, identities: IDENTITIES, ...options },
  });
  const reasons: unknown[] = [];
  zmq.on('violation', ({ kind, figures }: ZmqViolation) => {
    if (kind === 'not-authenticated') {
      reasons.push(figures.reason);
    }
  });
  return { zmq, endpoint, reasons };
}

/** Makes CURVE connections with zeromq alone, and says what it likes in the hello. */
class HandMade {
  readonly id = randomBytes(16).toString('base64url');
  private readonly peer: RawPeer;
  private count = 0;

  constructor(
    endpoint: string,
    private readonly keys = press,
  ) {
    const options = {
      receiveHighWaterMark: 1_000,
      routingId: this.id,
      curveServerKey: server.publicKey,
      curvePublicKey: keys.publicKey,
      curveSecretKey: keys.secretKey,
    };
    this.peer = new RawPeer(endpoint, options);
  }

  proof({ now = Date.now(), secretKey = this.keys.secretKey } = {}): object {
    return createKeyProof({ secretKey, serverKey: server.publicKey, connectionId: Buffer.from(this.id), now });
  }

  /** `welcome`, or the code of the error. */
  async hello(proof?: unknown): Promise<string> {
    const body = { version: 1, limits: { maxMessageSize: 1024 }, ...(proof !== undefined && { proof }) };
    await this.peer.send(controlPacket(PacketKind.Hello, 0, body));
    for (;;) {
      const packet = await this.peer.next();
      if (packet.kind === PacketKind.Welcome) {
        return 'welcome';
      }
      if (packet.kind === PacketKind.Error) {
        return String(jsonOf(packet)['code']);
      }
    }
  }

  /** The answer, or the code of the error. */
  async ask(pattern: string): Promise<unknown> {
    const id = ++this.count;
    await this.peer.send(requestPacket(id, pattern, {}));
    for (;;) {
      const packet = await this.peer.next();
      if (packet.id === id || packet.kind === PacketKind.Error) {
        return packet.kind === PacketKind.Error ? jsonOf(packet)['code'] : JSON.parse(String(packet.payload));
      }
    }
  }

  /** Has the server end the session, while the connection stays. */
  async breakOff(): Promise<void> {
    await this.peer.sendFrames(Buffer.from([BATCH_MARK, 0xff, 0xff, 0xff, 0xff]));
    await this.ended();
  }

  /** The code of the error that ends the session. */
  async ended(): Promise<unknown> {
    return (await this.peer.nextError()).error['code'];
  }
}

describe('a proof in the hello', () => {
  it('tells who has sent it', async () => {
    const { endpoint } = await start();
    const peer = new HandMade(endpoint);
    expect(await peer.hello(peer.proof())).toBe('welcome');
    expect([await peer.ask('who'), await peer.ask('machines')]).toEqual(['press', 'press']);
  });

  it('may be left out by whoever has a key: he has no name then, and no roles', async () => {
    const { endpoint, reasons } = await start();
    const peer = new HandMade(endpoint);
    expect(await peer.hello()).toBe('welcome');
    expect([await peer.ask('who'), await peer.ask('machines')]).toEqual(['nobody', 'FORBIDDEN']);
    expect(reasons).toEqual([]);
  });

  it('is good for a minute by both clocks', async () => {
    const { endpoint, reasons } = await start();
    for (const offset of [-50_000, 50_000]) {
      const peer = new HandMade(endpoint);
      expect(await peer.hello(peer.proof({ now: Date.now() + offset }))).toBe('welcome');
    }
    for (const offset of [-75_000, 75_000, -1e12]) {
      const peer = new HandMade(endpoint);
      expect(await peer.hello(peer.proof({ now: Date.now() + offset }))).toBe('UNAUTHENTICATED');
      expect(await peer.ask('who')).toBe('DISCONNECTED');
    }
    await until(() => reasons.includes('proof-expired'));
    expect(new Set(reasons)).toEqual(new Set(['proof-expired']));
  });

  it('is worth nothing on another connection', async () => {
    const { endpoint, reasons } = await start();
    const peer = new HandMade(endpoint);
    const proof = peer.proof();
    expect(await peer.hello(proof)).toBe('welcome');
    const other = new HandMade(endpoint, oven);
    expect(await other.hello(proof)).toBe('UNAUTHENTICATED');
    expect(await other.ask('who')).toBe('DISCONNECTED');
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['proof-wrong']);
  });

  it('is good for one hello', async () => {
    const { endpoint, reasons } = await start();
    const peer = new HandMade(endpoint);
    const proof = peer.proof();
    expect(await peer.hello(proof)).toBe('welcome');
    await peer.breakOff();
    expect(await peer.hello(proof)).toBe('UNAUTHENTICATED');
    expect(await peer.ask('who')).toBe('DISCONNECTED');
    expect(reasons).toEqual(['proof-replayed']);
  });

  it('gives nobody another name in the midst of a session', async () => {
    const { endpoint } = await start();
    const first = new HandMade(endpoint, oven);
    await first.hello(first.proof());
    const peer = new HandMade(endpoint);
    await peer.hello();
    await peer.hello(peer.proof({ secretKey: oven.secretKey }));
    expect(await peer.ask('who')).not.toBe('oven');
  });

  it('for the key of somebody else takes the secret key of that one', async () => {
    const { endpoint, reasons } = await start();
    const owner = new HandMade(endpoint, oven);
    expect(await owner.hello(owner.proof())).toBe('welcome');
    const peer = new HandMade(endpoint);
    expect(await peer.hello({ ...peer.proof(), key: oven.publicKey })).toBe('UNAUTHENTICATED');
    expect(await peer.ask('who')).toBe('DISCONNECTED');
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['proof-wrong']);
  });

  it('of a key that nobody has lets nobody in', async () => {
    const { endpoint, reasons } = await start();
    const peer = new HandMade(endpoint);
    expect(await peer.hello(peer.proof({ secretKey: stranger.secretKey }))).toBe('UNAUTHENTICATED');
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['proof-unknown']);
  });

  it('of a key that nobody has leaves its sender without a name where strangers are let in', async () => {
    const { endpoint } = await start({ anonymous: true });
    const peer = new HandMade(endpoint, stranger);
    expect(await peer.hello(peer.proof())).toBe('welcome');
    expect([await peer.ask('who'), await peer.ask('machines')]).toEqual(['nobody', 'FORBIDDEN']);
  });

  it.each([
    [1],
    ['proof'],
    [[]],
    [{}],
    [{ key: press.publicKey }],
    [{ key: '#'.repeat(40), time: 0, nonce: 'A'.repeat(22), mac: 'A'.repeat(43) }],
    [{ key: press.publicKey, time: 1.5, nonce: 'A'.repeat(22), mac: 'A'.repeat(43) }],
    [{ key: press.publicKey, time: Number.MAX_SAFE_INTEGER + 1, nonce: 'A'.repeat(22), mac: 'A'.repeat(43) }],
    [{ key: press.publicKey, time: 0, nonce: 'A'.repeat(23), mac: 'A'.repeat(43) }],
    [{ key: press.publicKey, time: 0, nonce: '!'.repeat(22), mac: 'A'.repeat(43) }],
    [{ key: press.publicKey, time: 0, nonce: 'A'.repeat(22), mac: ['A'.repeat(43)] }],
    [null],
  ])('that is %j is refused', async proof => {
    const { endpoint, reasons } = await start();
    const peer = new HandMade(endpoint);
    expect(await peer.hello(proof)).toBe('UNAUTHENTICATED');
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['proof-malformed']);
  });

  it('of a peer that is shut out afterwards brings it back neither by the connection that it has, nor by another', async () => {
    const { zmq, endpoint, reasons } = await start();
    const [named, silent] = [new HandMade(endpoint), new HandMade(endpoint)];
    expect(await named.hello(named.proof())).toBe('welcome');
    // It is connected, but has no session.
    expect(await silent.ask('who')).toBe('DISCONNECTED');
    zmq.setIdentities({ oven: IDENTITIES.oven });
    expect(await named.ended()).toBe('DISCONNECTED');
    expect(await named.hello(named.proof())).toBe('UNAUTHENTICATED');
    expect(await named.hello()).toBe('UNAUTHENTICATED');
    expect(await named.ask('who')).toBe('DISCONNECTED');
    // This one had not said hello before, so nobody knew it.
    expect(await silent.hello(silent.proof())).toBe('UNAUTHENTICATED');
    await until(() => reasons.length > 0);
    expect(reasons).toEqual(['proof-unknown']);
  });
});
