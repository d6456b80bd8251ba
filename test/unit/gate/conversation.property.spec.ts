import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePing } from '../../../lib/zmtp/commands.js';
import { FrameFlag, encodeFrame } from '../../../lib/zmtp/frame-header.js';
import { GREETING_BYTES } from '../../../lib/zmtp/greeting.js';
import { GateLog, createGate, leftIn, NOTHING_LEFT } from '../../support/gate.js';
import { MemoryServer } from '../../support/memory-socket.js';
import { HANDSHAKE, RawZmtp } from '../../support/raw-zmtp.js';
import { anyCuts, splitAt } from '../../support/zmtp.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';
import { until } from '../../support/zmq-app.js';

const anyBody = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 30 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(255, 256, 2_048, 2_049, 9_000).map(length => new Uint8Array(length).fill(7)),
  },
  { weight: 1, arbitrary: fc.integer({ min: 30_000, max: 70_000 }).map(length => new Uint8Array(length).fill(9)) },
);
const anyMessage = fc.array(anyBody, { minLength: 1, maxLength: 5 });
const anyConversation = fc.array(fc.record({ message: anyMessage, pings: fc.nat(2) }), { maxLength: 10 });

function bytesOf(conversation: readonly { readonly message: readonly Uint8Array[]; readonly pings: number }[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { message, pings } of conversation) {
    message.forEach((body, index) => {
      parts.push(...Array.from({ length: pings }, () => encodePing(10, Buffer.from('ping'))));
      parts.push(encodeFrame(index < message.length - 1 ? FrameFlag.More : 0, body));
    });
  }
  return Buffer.concat(parts);
}

/** What a gate makes of bytes that come in these pieces, without a network in between. */
async function deliver(pieces: readonly Uint8Array[], turnsBetween: boolean): Promise<GateLog> {
  const net = new MemoryServer();
  const server = createGate({ createServer: () => net.asServer(), receiving: 1024 ** 2 });
  const log = new GateLog();
  await server.open(log);
  const socket = net.accept('10.0.0.1');
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    socket.push(bytes);
    if (turnsBetween) {
      await setImmediate();
    }
  }
  socket.leave();
  for (let turn = 0; server.usage.connections > 0 && turn < 1_000; turn++) {
    await setImmediate();
  }
  expect(leftIn(server)).toEqual(NOTHING_LEFT);
  await server.close();
  return log;
}

const told = ({ messages, violations, gone }: GateLog) => ({
  messages: messages.map(({ frames }) => frames.map(frame => frame.toString('latin1'))),
  violations: violations.map(({ kind, figures }) => ({ kind, figures })),
  gone: gone.map(({ why }) => why),
});

describe('a connection of the gate', () => {
  it('delivers the same messages however a valid conversation is split', async () => {
    await fc.assert(
      fc.asyncProperty(anyConversation, anyCuts, fc.boolean(), async (conversation, cuts, turnsBetween) => {
        const pieces = splitAt(Buffer.concat([HANDSHAKE, bytesOf(conversation)]), cuts);
        const { messages, violations } = told(await deliver(pieces, turnsBetween));
        expect(violations).toEqual([]);
        expect(messages).toEqual(
          conversation.map(({ message }) => message.map(body => Buffer.from(body).toString('latin1'))),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('makes the same of any bytes behind the handshake, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyConversation,
        fc.uint8Array({ maxLength: 100 }),
        anyCuts,
        async (conversation, junk, cuts) => {
          const bytes = Buffer.concat([HANDSHAKE, bytesOf(conversation.slice(0, 3)), junk]);
          const whole = told(await deliver([bytes], false));
          expect(told(await deliver(splitAt(bytes, cuts), false))).toEqual(whole);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each(ZMTP_VECTORS.filter(({ greeting }) => greeting?.mechanism === 'NULL'))(
    'makes the same of the bytes of a real socket, cut anywhere: $name',
    async ({ bytes }) => {
      const whole = told(await deliver([bytes], false));
      for (let cut = 1; cut < bytes.length; cut += cut < GREETING_BYTES ? 7 : 1) {
        expect(told(await deliver(splitAt(bytes, [cut]), false))).toEqual(whole);
      }
    },
  );

  it('delivers the same over a real network, in pieces of many sizes', async () => {
    const server = createGate();
    const log = new GateLog();
    await server.open(log);
    const client = await RawZmtp.open(server.endpoints[0] as string);
    const conversation = fc.sample(anyConversation, { numRuns: 40, seed: 5 }).flat();
    const bytes = bytesOf(conversation);
    const cuts = fc.sample(fc.nat(bytes.length), { numRuns: 300, seed: 5 });
    for (const piece of splitAt(bytes, cuts)) {
      await new Promise<void>(resolve => client.socket.write(piece, () => resolve()));
    }
    await until(() => log.messages.length === conversation.length);
    expect(told(log).messages).toEqual(
      conversation.map(({ message }) => message.map(body => Buffer.from(body).toString('latin1'))),
    );
    expect(log.violations).toEqual([]);
  });
});
