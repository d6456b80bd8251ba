import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodeFrame, FrameFlag } from '../../../lib/zmtp/frame-header.js';
import { leftIn, NOTHING_LEFT, type GateSettings } from '../../support/gate.js';
import { longHeader, messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS, type Transport } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const KIBI = 1024;
/** Of the largest message: one payload, and what may come with it. */
const MOST = 64 * KIBI + 256 * KIBI;

async function sendAndBeRefused(transport: Transport, bytes: readonly Uint8Array[], settings: GateSettings = {}) {
  const { server, log, endpoint } = await gateOver(transport)(settings);
  const client = await RawZmtp.open(endpoint);
  client.write(...bytes);
  await client.untilEnded();
  await until(() => server.usage.connections === 0);
  return { server, log };
}

describe.each(TRANSPORTS)('a frame that is too long, over %s', transport => {
  const openGate = gateOver(transport);

  it.each([BigInt(MOST) + 1n, 2n ** 32n, 2n ** 52n])(
    'is refused by its declared length of %d before a byte of it is kept (A1)',
    async length => {
      const { server, log } = await sendAndBeRefused(transport, [longHeader(0, length)]);
      expect(log.violations).toMatchObject([
        { id: 'A1', kind: 'frame-too-large', action: 'disconnect', figures: { limit: MOST, actual: Number(length) } },
      ]);
      expect(log.gone).toMatchObject([{ why: 'frame-too-large' }]);
      expect(leftIn(server)).toEqual(NOTHING_LEFT);
    },
  );

  it.each([2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n])(
    'is no frame at all if no buffer could hold its %d bytes',
    async length => {
      for (const flags of [0, FrameFlag.More, FrameFlag.Command]) {
        const { log } = await sendAndBeRefused(transport, [longHeader(flags, length)]);
        expect(log.violations).toMatchObject([{ id: 'A12', kind: 'framing' }]);
      }
    },
  );

  it('is refused however its header is split', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    for (const byte of longHeader(0, 2n ** 40n)) {
      await new Promise<void>(resolve => client.socket.write(Buffer.of(byte), () => resolve()));
    }
    await client.untilEnded();
    expect(log.kinds).toEqual(['frame-too-large']);
  });

  it('is delivered if it is exactly as long as allowed', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    client.send(Buffer.alloc(MOST, 7));
    await until(() => log.messages.length === 1);
    expect(log.messages[0]!.frames.map(({ length }) => length)).toEqual([MOST]);
  });
});

describe.each(TRANSPORTS)('a message of many frames, over %s', transport => {
  const openGate = gateOver(transport);

  it('is refused once they add up to too much (A2)', async () => {
    const { server, log } = await sendAndBeRefused(transport, [
      encodeFrame(FrameFlag.More, Buffer.alloc(200 * KIBI)),
      longHeader(0, BigInt(120 * KIBI + 1)),
    ]);
    expect(log.violations).toMatchObject([
      { id: 'A2', kind: 'message-too-large', figures: { limit: MOST, actual: MOST + 1 } },
    ]);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('is refused at the first frame too many, even of no bytes (A2, A3)', async () => {
    const empty = Buffer.of(FrameFlag.More, 0);
    const { log } = await sendAndBeRefused(
      transport,
      Array.from({ length: 100_000 }, () => empty),
      { gate: { maxFrames: 16 } },
    );
    expect(log.violations).toMatchObject([
      { id: 'A2', kind: 'too-many-frames', figures: { limit: 16, actual: 17 }, count: 1 },
    ]);
    expect(log.messages).toEqual([]);
  });

  it('is delivered with as many as allowed', async () => {
    const { log, endpoint } = await openGate({ gate: { maxFrames: 16 } });
    const client = await RawZmtp.open(endpoint);
    const frames = Array.from({ length: 16 }, (_, index) => String(index));
    client.send(...frames);
    client.send(...frames);
    await until(() => log.messages.length === 2);
    expect(log.texts).toEqual([frames, frames]);
  });
});

describe.each(TRANSPORTS)('bytes that are no frame, over %s', transport => {
  it.each([0x08, 0x10, 0x20, 0x40, 0x80, 0xff, FrameFlag.Command | FrameFlag.More])(
    'such as flags of %d end the connection (A12)',
    async flags => {
      const { log } = await sendAndBeRefused(transport, [
        messageBytes('before'),
        Buffer.of(flags, 0),
        messageBytes('after'),
      ]);
      expect(log.violations).toMatchObject([{ id: 'A12', kind: 'framing' }]);
      expect(log.texts).toEqual([['before']]);
    },
  );
});

describe.each(TRANSPORTS)('the policy for what is too large, over %s', transport => {
  const openGate = gateOver(transport);

  const tooLarge: readonly [string, readonly Uint8Array[]][] = [
    ['frame-too-large', [encodeFrame(0, Buffer.alloc(MOST + 1))]],
    ['frame-too-large', [encodeFrame(FrameFlag.More, Buffer.alloc(MOST + 1)), messageBytes('x', 'its last frame')]],
    ['message-too-large', [encodeFrame(FrameFlag.More, Buffer.alloc(MOST)), messageBytes('its last frame')]],
    ['message-too-large', Array.from({ length: 8 }, (_, at) => encodeFrame(at < 7 ? 1 : 0, Buffer.alloc(90 * KIBI)))],
    ['too-many-frames', [messageBytes(...Array.from({ length: 50 }, () => ''))]],
  ];

  it.each(tooLarge)('discards %s and goes on with the next message', async (kind, bytes) => {
    const { server, log, endpoint } = await openGate({ gate: { policies: { [kind]: 'discard' } } });
    const client = await RawZmtp.open(endpoint);
    client.write(messageBytes('before'), ...bytes, messageBytes('after'), ...bytes, messageBytes('last'));
    await until(() => log.messages.length === 3);
    expect(log.texts).toEqual([['before'], ['after'], ['last']]);
    expect(log.violations).toMatchObject([{ kind, action: 'discard' }]);
    client.socket.destroy();
    await until(() => server.usage.connections === 0);
    expect(leftIn(server)).toEqual(NOTHING_LEFT);
  });

  it('answers heartbeats within a message that it discards', async () => {
    const { log, endpoint } = await openGate({ gate: { policies: { 'frame-too-large': 'discard' } } });
    const client = await RawZmtp.open(endpoint);
    client.write(
      encodeFrame(FrameFlag.More, Buffer.alloc(MOST + 1)),
      encodeCommand('PING', Buffer.from([0, 0, 1])),
      messageBytes('the end of it'),
      messageBytes('next'),
    );
    await until(() => client.commandNames.includes('PONG') && log.messages.length === 1);
    expect(log.texts).toEqual([['next']]);
  });

  it('leaves a connection without an answer for as long as the tarpit says, and reads nothing of it', async () => {
    const { log, endpoint } = await openGate({ gate: { policies: { framing: 'tarpit' }, tarpitTime: 200 } });
    const client = await RawZmtp.open(endpoint);
    const start = performance.now();
    client.write(Buffer.of(0xff), messageBytes('never'));
    expect(await log.untilViolation('framing')).toMatchObject({ action: 'tarpit' });
    expect(log.gone).toMatchObject([{ why: 'framing' }]);
    await client.untilEnded();
    expect(performance.now() - start).toBeGreaterThanOrEqual(200);
    expect(log.messages).toEqual([]);
  });
});
