import type { ServerZmq, ZmqServerOptions } from 'nestjs-zeromq';
import { beforeEach, describe, expect, it } from 'vitest';
import { Request } from 'zeromq';
import { expectToServe, nestedArrays, refuseUnhandledRejections, startEcho } from '../support/echo-app.js';
import { RawPeer } from '../support/raw-peer.js';
import { onCleanup } from '../support/zmq-app.js';

refuseUnhandledRejections();

describe('a server that gets bad input in JSON mode', () => {
  let server: ServerZmq;
  let endpoint: string;

  async function restart(options: ZmqServerOptions = {}): Promise<void> {
    ({ server, endpoint } = await startEcho(options));
  }

  beforeEach(() => restart());

  async function answerTo(text: string | Uint8Array): Promise<Record<string, unknown>> {
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from(text));
    return peer.nextJson();
  }

  it.each<[text: string, reason: string, id: string | undefined]>([
    ['{"id":"1","pattern":"echo"', 'invalid JSON', undefined],
    ['[]', 'empty batch', undefined],
    ['[[]]', 'a packet is an object', undefined],
    ['[1]', 'a packet is an object', undefined],
    ['{}', 'pattern is a non-empty string, a number or an object', undefined],
    ['{"id":"1"}', 'pattern is a non-empty string, a number or an object', '1'],
    ['{"id":"1","pattern":""}', 'pattern is a non-empty string, a number or an object', '1'],
    ['{"id":1,"pattern":"echo"}', 'id is a string of 1 to 64 characters', undefined],
    [`{"id":"${'x'.repeat(65)}","pattern":"echo"}`, 'id is a string of 1 to 64 characters', undefined],
    ['{"cancel":true}', 'cancel needs an id', undefined],
    ['{"id":"1","cancel":1}', 'cancel is true, and has no pattern beside it', '1'],
    ['{"id":"1","pattern":"echo","timeout":-1}', 'timeout is an integer of milliseconds', '1'],
    ['{"pattern":"note","timeout":1}', 'an event has no timeout', undefined],
    ['{"id":"1","pattern":"echo","metadata":{"a":1}}', 'metadata is not an object of strings', '1'],
    ['{"id":"1","pattern":"echo","data":{"$base64":"?"}}', 'invalid base64', '1'],
    [`{"id":"1","pattern":"${'x'.repeat(257)}"}`, 'pattern too long', '1'],
    [`{"id":"1","pattern":"echo","data":${nestedArrays(33)}}`, 'nested too deeply', undefined],
    [`{"id":"1","pattern":"echo","data":${'9'.repeat(65)}}`, 'number too long', undefined],
    ['{"id":"1","pattern":"echo","data":{"__proto__":1}}', 'forbidden key', undefined],
  ])('answers %s with MALFORMED', async (text, reason, id) => {
    expect(await answerTo(text)).toEqual({
      ...(id !== undefined && { id }),
      err: { code: 'MALFORMED', message: `Malformed message: ${reason}.` },
      status: 'error',
      isDisposed: true,
    });
    expect(server.getStats()).toMatchObject({ malformed: 1, requests: 0, events: 0 });
    await expectToServe(endpoint);
  });

  it('serves the good items beside a bad one', async () => {
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from('[{"id":"a","pattern":"echo","data":1},7,{"id":"b","pattern":"echo","data":2}]'));
    const answers = [await peer.nextJson(), await peer.nextJson(), await peer.nextJson()];
    expect(answers).toContainEqual({ id: 'a', response: 1, isDisposed: true });
    expect(answers).toContainEqual({ id: 'b', response: 2, isDisposed: true });
    expect(answers.filter(answer => 'err' in answer)).toHaveLength(1);
  });

  it('answers an unknown pattern, an id in use and too large a message', async () => {
    expect(await answerTo('{"id":"1","pattern":"nobody"}')).toMatchObject({ id: '1', err: { code: 'NO_HANDLER' } });
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from('[{"id":"1","pattern":"hold"},{"id":"1","pattern":"echo"}]'));
    expect(await peer.nextJson()).toMatchObject({ id: '1', err: { code: 'MALFORMED' } });
    await restart({ limits: { maxMessageSize: '1kb' } });
    const text = JSON.stringify({ id: '1', pattern: 'echo', data: 'x'.repeat(2_000) });
    expect(await answerTo(text)).toMatchObject({
      err: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 1_024, actual: text.length } },
    });
    expect(server.getStats().refused).toBe(1);
    await expectToServe(endpoint);
  });

  it('refuses two frames', async () => {
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from('{"id":"1","pattern":"echo"}'), Buffer.from('{}'));
    expect(await peer.nextJson()).toMatchObject({ err: { code: 'MALFORMED' } });
    await expectToServe(endpoint);
  });

  it('answers every message of a REQ socket with exactly one', async () => {
    const request = new Request({ linger: 0, receiveTimeout: 3_000 });
    onCleanup(() => request.close());
    request.connect(endpoint);
    const texts = [
      'nonsense',
      '{',
      '[1,2]',
      '{"pattern":"nobody"}',
      '{"id":"1","cancel":true}',
      '{"id":"1","pattern":"nobody"}',
      '[{"id":"1","pattern":"echo","data":1},{"id":"1"},{"pattern":"note"}]',
      '{"id":"1","pattern":"echo","data":1}',
    ];
    const answers: unknown[] = [];
    for (const text of texts) {
      await request.send(text);
      answers.push(JSON.parse(String((await request.receive())[0])));
    }
    expect(answers).toMatchObject([
      { err: { code: 'MALFORMED' } },
      { err: { code: 'MALFORMED' } },
      [{ err: { code: 'MALFORMED' } }, { err: { code: 'MALFORMED' } }],
      { isDisposed: true },
      { isDisposed: true },
      { err: { code: 'NO_HANDLER' } },
      [{}, {}, {}],
      { id: '1', response: 1, isDisposed: true },
    ]);
  });
});
