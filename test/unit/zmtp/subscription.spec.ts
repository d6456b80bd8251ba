import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCommand, type Command } from '../../../lib/zmtp/command.js';
import {
  encodeCancel,
  encodeSubscribe,
  subscriptionOfCommand,
  subscriptionOfMessage,
  type Subscription,
  type SubscriptionForm,
} from '../../../lib/zmtp/subscription.js';
import { readChunks } from '../../support/zmtp.js';

/** What a publisher makes of a frame. */
function subscriptionIn(frame: Buffer, form: SubscriptionForm): Subscription | undefined {
  const { begun, bodies } = readChunks([frame]);
  expect(begun.map(({ flags }) => flags & ~0x02)).toEqual([form === 'command' ? 0x04 : 0x00]);
  return form === 'command'
    ? subscriptionOfCommand(readCommand(bodies[0]!) as Command)
    : subscriptionOfMessage(bodies[0]!);
}

describe('Subscriptions', () => {
  it.each(['command', 'message'] as const)('give back any topic in the form of a %s', form => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        const topic = Buffer.from(bytes);
        expect(subscriptionIn(encodeSubscribe(topic, form), form)).toEqual({ kind: 'subscribe', topic });
        expect(subscriptionIn(encodeCancel(topic, form), form)).toEqual({ kind: 'cancel', topic });
      }),
    );
  });

  it('are written as libzmq writes them', () => {
    const topic = Buffer.from('news');
    expect(encodeSubscribe(topic, 'command').toString('hex')).toBe('040e095355425343524942456e657773');
    expect(encodeCancel(topic, 'command').toString('hex')).toBe('040b0643414e43454c6e657773');
    expect(encodeSubscribe(topic, 'message').toString('hex')).toBe('0005016e657773');
    expect(encodeCancel(topic, 'message').toString('hex')).toBe('0005006e657773');
  });

  it.each(['PING', 'subscribe', 'SUBSCRIBED', 'READY'])('are no command called %s', name => {
    expect(subscriptionOfCommand({ name, data: Buffer.alloc(0) })).toBeUndefined();
  });

  it('are no empty message, nor one that begins otherwise than with 0 or 1', () => {
    expect(subscriptionOfMessage(Buffer.alloc(0))).toBeUndefined();
    for (let byte = 2; byte < 256; byte += 1) {
      expect(subscriptionOfMessage(Buffer.of(byte, 0x61))).toBeUndefined();
    }
  });
});
