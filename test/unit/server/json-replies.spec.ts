import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { errorPayload } from '../../../lib/server/binary-replies.js';
import { JsonReplies, jsonEncoder, type JsonMessage } from '../../../lib/server/json-replies.js';
import type { QueuedPacket } from '../../../lib/socket/queued-packet.js';
import { createOutbox } from '../../support/outbox.js';
import { refusalOf } from '../../support/refusal.js';

function repliesOf(options: Partial<ConstructorParameters<typeof JsonReplies>[0]> = {}): JsonReplies {
  return new JsonReplies({ id: '7', delimited: false, maxSize: 200, serializer: undefined, ...options });
}

function parsed(packet: QueuedPacket): unknown {
  return JSON.parse((packet as JsonMessage).text);
}

describe('JsonReplies', () => {
  it('writes values, the last one, the end and errors', () => {
    const replies = repliesOf();
    expect(parsed(replies.value(1, false))).toEqual({ id: '7', response: 1 });
    expect(parsed(replies.value([1], true))).toEqual({ id: '7', response: [1], isDisposed: true });
    expect(parsed(replies.complete())).toEqual({ id: '7', isDisposed: true });
    expect(parsed(replies.error({ code: 'X', message: 'm' }))).toEqual({
      id: '7',
      err: { code: 'X', message: 'm' },
      status: 'error',
      isDisposed: true,
    });
  });

  it.each([1, null, undefined, 'ü', { a: 'isDisposed' }, [], Buffer.from('x')])(
    'marks %j as the last one afterwards',
    value => {
      const replies = repliesOf();
      const packet = replies.value(value, false);
      replies.markLast(packet);
      expect(parsed(packet)).toEqual(parsed(replies.value(value, true)));
    },
  );

  it('refuses a response above the limit by its bytes, not its characters', () => {
    const replies = repliesOf({ maxSize: 100 });
    const fits = 'x'.repeat(100 - '{"id":"7","response":""}'.length);
    expect(parsed(replies.value(fits, false))).toEqual({ id: '7', response: fits });
    const { code, details } = refusalOf(() => replies.value(`${fits.slice(1)}ü`, false));
    expect([code, details]).toEqual(['RESPONSE_TOO_LARGE', { limit: 100, actual: 101 }]);
  });

  it('refuses a response that has no JSON', () => {
    expect(refusalOf(() => repliesOf().value(1n, true)).code).toBe('MALFORMED');
  });

  it('shortens an error that is too large or has no JSON', () => {
    const message = 'm'.repeat(500);
    for (const details of ['x'.repeat(500), 1n]) {
      expect(parsed(repliesOf().error({ code: 'X', message, details }))).toMatchObject({
        err: { code: 'X', message: message.slice(0, 200) },
      });
    }
  });

  it('shortens the code of an error as well', () => {
    const code = 'X'.repeat(1_000);
    expect(parsed(repliesOf().error({ code, message: '' }))).toMatchObject({
      err: { code: code.slice(0, 100), message: '' },
    });
    const { body } = errorPayload({ code, message: '' }, 200);
    expect(JSON.parse(String(body))).toEqual({ code: code.slice(0, 100), message: '' });
  });

  it('puts an empty frame before what a REQ socket gets', () => {
    const packet = repliesOf({ delimited: true }).complete();
    const { frames, count } = jsonEncoder.encode([packet, packet], 0, 2);
    expect([frames.map(String), count]).toEqual([['', '{"id":"7","isDisposed":true}'], 1]);
  });

  it('gives back what was charged, even when a value has become the last one meanwhile', async () => {
    const { outbox, wire, budget } = createOutbox({ encoder: jsonEncoder });
    const replies = repliesOf();
    const packet = replies.value('x', false);
    outbox.push(packet);
    replies.markLast(packet);
    await turn();
    expect(wire.messages).toHaveLength(1);
    expect([outbox.bytes, budget.used]).toEqual([0, 0]);
  });
});
