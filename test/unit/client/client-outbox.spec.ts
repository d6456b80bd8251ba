import { describe, expect, it, vi } from 'vitest';
import { ClientEvent } from '../../../lib/client/client-event.js';
import { ClientOutbox } from '../../../lib/client/client-outbox.js';
import { ClientRequest, type RequestOwner } from '../../../lib/client/client-request.js';
import type { Contents } from '../../../lib/client/contents.js';
import { Retries } from '../../../lib/client/retries.js';
import { Signing } from '../../../lib/client/signing.js';
import { readWelcome, type Welcome } from '../../../lib/client/welcome.js';
import { DeadlineWheel } from '../../../lib/limits/deadline-wheel.js';
import { systemClock } from '../../../lib/limits/clock.js';
import { Secret } from '../../../lib/options/secret.js';
import { RequestSignatures } from '../../../lib/security/request-signature.js';
import { takeSignature } from '../../../lib/security/signature-metadata.js';
import type { SendOutcome } from '../../../lib/socket/server-socket.js';
import type { IncomingPacket } from '../../../lib/wire/packet.js';
import { packetsOf, WELCOME } from '../../support/raw-peer.js';
import { until } from '../../support/zmq-app.js';

const key = new Secret(Buffer.alloc(32, 1));

interface Settings {
  readonly signs?: boolean;
  readonly limits?: object;
  readonly now?: () => number;
}

function setup({ signs = true, limits = {}, now = Date.now }: Settings = {}) {
  const sent: IncomingPacket[] = [];
  const pending: ((outcome: SendOutcome) => void)[] = [];
  let holds = false;
  const outbox = new ClientOutbox({
    endpoint: 'tcp://test',
    maxPackets: 10_000,
    maxBytes: 100_000_000,
    serializer: undefined,
    signing: signs ? new Signing({ name: 'press-7', key }, now) : undefined,
    counters: { refused: 0, mostOutboxBytes: 0 },
    send: frames => {
      sent.push(...packetsOf(frames));
      return holds ? new Promise(resolve => pending.push(resolve)) : 'sent';
    },
    onSent: () => undefined,
    onGone: () => undefined,
  });
  const adopt = (server = 'fake', changes: object = limits) =>
    outbox.adopt(readWelcome({ ...WELCOME, server, limits: { ...WELCOME.limits, ...changes } }) as Welcome);
  adopt();
  const hold = (value: boolean) => {
    holds = value;
    if (!value) {
      pending.shift()?.('sent');
    }
  };
  return { outbox, sent, adopt, hold };
}

const wheel = new DeadlineWheel();
const owner: RequestOwner = {
  wheel,
  clock: systemClock,
  retries: new Retries({ wheel, send: () => undefined, onRetry: () => undefined }),
  requestSettled: () => undefined,
};

function requestOf(data: unknown, fields: Partial<Contents> = {}) {
  const answers: unknown[] = [];
  const contents: Contents = { route: 'sum', data, metadata: '', encoding: 'json', ...fields };
  const settings = { window: 8, autoCredit: true, retry: undefined };
  const request = new ClientRequest(contents, 0, settings, owner, ({ err }) => answers.push(err));
  return { request, answers };
}

function eventOf(data: unknown): ClientEvent {
  return new ClientEvent({ route: 'heard', data, metadata: '', encoding: 'json' }, () => undefined);
}

/** Whether a packet is signed for a server, as of now or of another time. */
function isSignedFor(packet: IncomingPacket, serverId: string, now = Date.now()): boolean {
  const taken = takeSignature(packet.metadata?.toString() ?? '');
  const signatures = new RequestSignatures({ keysOf: () => [key], now: () => now, windowMs: 1_000 });
  const { kind, id, timeoutMs, pattern, encoding, payload } = packet;
  const fields = { kind, id, timeoutMs, pattern, encoding, payload, serverId };
  return taken !== undefined && signatures.verify(taken.token, { ...fields, metadata: taken.base }).ok;
}

describe('ClientOutbox with a key to sign with', () => {
  it('signs requests and events for the server that has welcomed the client', async () => {
    const { outbox, sent } = setup();
    outbox.post(requestOf([1, 2], { metadata: '{"a":"b"}' }).request, 1);
    outbox.post(requestOf(Buffer.alloc(50_000)).request, 2);
    outbox.post(eventOf({ a: 1 }), 0);
    outbox.credit(1, 5);
    await until(() => sent.length === 4);
    expect(sent.map(packet => isSignedFor(packet, 'fake'))).toEqual([true, true, true, false]);
    expect(sent.some(packet => isSignedFor(packet, 'other'))).toBe(false);
    expect([outbox.bytes, outbox.idle]).toEqual([0, true]);
  });

  it('signs nothing without one', async () => {
    const { outbox, sent } = setup({ signs: false });
    outbox.post(requestOf(1).request, 1);
    await until(() => sent.length === 1);
    expect(sent[0]?.metadata).toBeUndefined();
  });

  it('signs what waits when it leaves: with the time of then, and for the server of then', async () => {
    let now = 1_750_000_000_000;
    const { outbox, sent, hold, adopt } = setup({ now: () => now });
    hold(true);
    outbox.post(requestOf('first').request, 1);
    await until(() => sent.length === 1);
    outbox.post(requestOf('second').request, 2);
    outbox.post(eventOf('third'), 0);
    now += 100_000;
    adopt('other');
    hold(false);
    await until(() => sent.length === 3);
    expect(sent.map(packet => isSignedFor(packet, 'other', now))).toEqual([false, true, true]);
    expect(outbox.bytes).toBe(0);
  });

  it('signs what leaves with the next message, and not all that waits', async () => {
    let now = 1_750_000_000_000;
    const { outbox, sent, hold } = setup({ now: () => now });
    hold(true);
    const sign = vi.spyOn(Signing.prototype, 'sign');
    for (let id = 1; id <= 40; id++) {
      outbox.post(requestOf('x'.repeat(10_000)).request, id);
    }
    await until(() => sent.length > 0);
    expect(sign.mock.calls.length).toBeLessThanOrEqual(sent.length + 1);
    while (!outbox.idle) {
      const before = sent.length;
      now += 60_000;
      hold(false);
      hold(true);
      await until(() => sent.length > before || outbox.idle);
      expect(sent.slice(before).every(packet => isSignedFor(packet, 'fake', now))).toBe(true);
    }
    expect(sent.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    sign.mockRestore();
  });

  it('signs events that wait for room at the server when they leave', async () => {
    let now = 1_750_000_000_000;
    const { outbox, sent } = setup({ now: () => now, limits: { eventWindow: 1 } });
    outbox.post(eventOf('first'), 0);
    outbox.post(eventOf('second'), 0);
    await until(() => sent.length === 1);
    now += 100_000;
    outbox.eventsHandled(10_000);
    await until(() => sent.length === 2);
    expect(isSignedFor(sent[1] as IncomingPacket, 'fake', now)).toBe(true);
  });

  it('refuses metadata that have no room for a signature, and says so', () => {
    const { outbox } = setup({ limits: { maxMetadataSize: 100 } });
    const { request, answers } = requestOf(1);
    outbox.post(request, 1);
    expect(answers).toMatchObject([
      {
        code: 'PAYLOAD_TOO_LARGE',
        message: expect.stringContaining('The metadata with the signature has'),
        details: { what: 'metadata', limit: 100 },
      },
    ]);
  });

  it('goes on behind a payload that was given away while it waited', async () => {
    const { outbox, sent } = setup();
    const given = new Uint8Array(20_000);
    const { request, answers } = requestOf(given);
    outbox.post(request, 1);
    outbox.post(requestOf(new Uint8Array(100)).request, 2);
    structuredClone(given, { transfer: [given.buffer] });
    await until(() => sent.some(({ id }) => id === 2));
    expect(answers.length + sent.length).toBe(2);
    expect(outbox.bytes).toBe(0);
  });
});
