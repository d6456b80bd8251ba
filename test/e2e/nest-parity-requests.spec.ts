import { describe, expect, it } from 'vitest';
import { onBothTransports } from '../support/parity.js';

const onBoth = onBothTransports();

describe('a handler of Nest TCP answers the same over ZeroMQ', () => {
  it.each<[does: string, pattern: unknown, data: unknown, values: unknown[]]>([
    ['a sum under an object pattern', { cmd: 'sum' }, [1, 2, 3], [6]],
    ['a promised sum under a pattern whose keys come in another order', { mode: 'async', cmd: 'sum' }, [4, 5], [9]],
    ['every value of an Observable', { cmd: 'each' }, [1, 2, 3], [1, 2, 3]],
    ['every value of a promised Observable', 'each, promised', [1, 2, 3], [1, 2, 3]],
    ['one field of the payload', 'first name', { name: 'Ada' }, ['Ada']],
    ['a request under a number', 42, {}, ['forty-two']],
    ['a request under the text of a number', '42', {}, ['forty-two']],
    ['a nested pattern', { a: { c: true, d: 'x' }, b: 2 }, {}, ['nested']],
    ['the first of several patterns', 'one', {}, ['one']],
    ['the last of several patterns', { cmd: 'two' }, {}, ['{"cmd":"two"}']],
    ['null', 'just null', {}, [null]],
    ['nothing, from a void handler', 'void', {}, []],
    ['nothing, from an Observable without values', 'empty', {}, []],
    ['values that are false or absent', 'gaps', {}, [1, undefined, null, 0, '', false, 2]],
    ['a string', 'echo', 'text', ['text']],
    ['a number', 'echo', 0, [0]],
    ['false', 'echo', false, [false]],
    ['an empty string', 'echo', '', ['']],
    ['an array', 'echo', [], [[]]],
    [
      'an object that looks like a reply',
      'echo',
      { response: 1, isDisposed: true },
      [{ response: 1, isDisposed: true }],
    ],
    ['a date, as text', 'echo', new Date(0), ['1970-01-01T00:00:00.000Z']],
  ])('with %s', async (_does, pattern, data, values) => {
    const [tcp, zmq] = await onBoth(side => side.call(pattern, data));

    expect(tcp).toEqual({ values });
    expect(zmq).toEqual(tcp);
  });

  it('shows a handler the pattern and the absence of metadata', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('context', { a: 1 }));

    expect(tcp).toEqual({ values: [{ data: { a: 1 }, pattern: 'context', metadata: 'none' }] });
    expect(zmq).toEqual(tcp);
  });

  it('delivers the values before an error of a stream, and then the error', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('each, then fail', [1, 2]));

    expect(tcp).toEqual({ values: [1, 2], error: { status: 'error', message: 'no more' } });
    expect(zmq).toEqual(tcp);
  });

  it('delivers the error of a stream without values', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('fail at once', {}));

    expect(tcp).toEqual({ values: [], error: { status: 'error', message: 'nothing at all' } });
    expect(zmq).toEqual(tcp);
  });

  it('refuses a request for a pattern without a handler in the same words', async () => {
    const [tcp, zmq] = await onBoth(side => side.call({ cmd: 'nobody' }, {}));

    expect(tcp).toEqual({
      values: [],
      error: { message: 'There is no matching message handler defined in the remote service.' },
    });
    expect(zmq).toEqual(tcp);
  });

  it('refuses to send null or to no pattern before anything is sent', async () => {
    const [tcp, zmq] = await onBoth(async side => [await side.call('echo', null), await side.call(undefined, 1)]);

    const refused = {
      values: [],
      error: { message: expect.stringContaining('invalid data or message pattern') as unknown },
    };
    expect(tcp).toEqual([refused, refused]);
    expect(zmq).toEqual(tcp);
  });

  it('sends once per subscription and nothing without one', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      const unsent = side.client.send('void', {});
      await side.call('echo', 1);
      const before = side.journal.entries.length;
      const answer = () => new Promise<void>(resolve => unsent.subscribe({ complete: resolve }));
      await answer();
      await answer();
      return [before, side.journal.entries.length];
    });

    expect(tcp).toEqual([0, 2]);
    expect(zmq).toEqual(tcp);
  });
});

describe('an event of Nest TCP is handled the same over ZeroMQ', () => {
  it('reaches its handler with payload and context', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('user_created', { name: 'Ada' });
      return side.entries(1);
    });

    expect(tcp).toEqual([['user_created', { name: 'Ada' }]]);
    expect(zmq).toEqual(tcp);
  });

  it('reaches every one of several handlers', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('heard twice', 1);
      return side.entries(2);
    });

    expect(tcp).toEqual([
      ['first', 1],
      ['second', 1],
    ]);
    expect(zmq).toEqual(tcp);
  });

  it('runs a handler under an interceptor, which returns a cold Observable', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('intercepted event', 'data');
      return side.entries(3);
    });

    expect(tcp).toEqual(['before interceptedEvent', 'data', 'after interceptedEvent']);
    expect(zmq).toEqual(tcp);
  });

  it('runs an Observable that the handler returns to its end', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('event as stream', [1, 2, 3]);
      return side.entries(3);
    });

    expect(tcp).toEqual([1, 2, 3]);
    expect(zmq).toEqual(tcp);
  });

  it('runs the handler of a request when it comes as an event', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('void', {});
      return side.entries(1);
    });

    expect(tcp).toEqual(['void']);
    expect(zmq).toEqual(tcp);
  });

  it('is answered with nothing when it comes as a request', async () => {
    const [tcp, zmq] = await onBoth(async side => [await side.call('user_created', 1), [...side.journal.entries]]);

    expect(tcp).toEqual([{ values: [] }, [['user_created', 1]]]);
    expect(zmq).toEqual(tcp);
  });

  it('is answered with what each handler gave when it has several and comes as a request', async () => {
    const [tcp, zmq] = await onBoth(async side => [await side.call('heard twice', 1), [...side.journal.entries]]);

    expect(tcp).toEqual([
      { values: [{}] },
      [
        ['first', 1],
        ['second', 1],
      ],
    ]);
    expect(zmq).toEqual(tcp);
  });

  it('does no harm when its handler fails or there is none', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('failing event', 1);
      await side.emit('nobody listens', 1);
      const entries = [...(await side.entries(1))];
      return [entries, await side.call('echo', 'alive')];
    });

    expect(tcp).toEqual([[['failing', 1]], { values: ['alive'] }]);
    expect(zmq).toEqual(tcp);
  });
});
