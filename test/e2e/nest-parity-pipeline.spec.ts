import { describe, expect, it } from 'vitest';
import { onBothTransports } from '../support/parity.js';

const onBoth = onBothTransports();
const INTERNAL = { status: 'error', message: 'Internal server error' };

describe('exceptions of a Nest TCP application cross ZeroMQ', () => {
  it.each<[kind: string, pattern: string, error: unknown]>([
    ['an RpcException of a string', 'string error', { status: 'error', message: 'Invalid credentials.' }],
    ['an RpcException of an object', 'object error', { status: 404, message: 'no such thing' }],
    ['a promised RpcException', 'rejection', { status: 'error', message: 'rejected' }],
    ['an unexpected error, without its text', 'unexpected error', INTERNAL],
    ['what an interceptor made of an error', 'translated error', { status: 'error', message: 'translated' }],
    ['the object that a filter throws', 'filtered object', { status: 'busy', message: 'come back' }],
    ['an error of a request-scoped handler', 'scoped error', { status: 'error', message: 'out of scope' }],
  ])('with %s', async (_kind, pattern, error) => {
    const [tcp, zmq] = await onBoth(side => side.call(pattern, {}));

    expect(tcp).toEqual({ values: [], error });
    expect(zmq).toEqual(tcp);
  });

  it('with the message of a string that a filter throws', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('filtered', {}));

    expect(tcp).toEqual({ values: [], error: { message: 'through the filter' } });
    expect(zmq).toMatchObject({ values: [], error: { message: 'through the filter' } });
  });

  it('with the values of a stream before the error that a filter throws', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('filtered stream', {}));

    expect(tcp).toEqual({ values: [1], error: { message: 'after one' } });
    expect(zmq).toMatchObject({ values: [1], error: { message: 'after one' } });
  });

  it('not at all where a filter answers in place of the handler', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('answered by a filter', 7));

    expect(tcp).toEqual({ values: [{ instead: 'out of range', data: 7 }] });
    expect(zmq).toEqual(tcp);
  });
});

describe('pipes of a Nest TCP application run over ZeroMQ', () => {
  it('hand an instance of the DTO to the handler', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('validated', { name: 'Ada', age: 36 }));

    expect(tcp).toEqual({ values: ['Ada, 36'] });
    expect(zmq).toEqual(tcp);
  });

  it('refuse a wrong payload with the exception of the pipe', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('validated', { name: '', age: 'old' }));

    expect(tcp).toEqual({ values: [], error: { status: 422, message: 'name,age' } });
    expect(zmq).toEqual(tcp);
  });

  it('refuse with an internal error where the exception is one of HTTP', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('validated as in HTTP', { name: 1 }));

    expect(tcp).toEqual({ values: [], error: INTERNAL });
    expect(zmq).toEqual(tcp);
  });
});

describe('guards of a Nest TCP application run over ZeroMQ', () => {
  it('let a request pass by its data', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('guarded', { role: 'admin' }));

    expect(tcp).toEqual({ values: ['welcome'] });
    expect(zmq).toEqual(tcp);
  });

  it('refuse a request before its handler runs', async () => {
    const [tcp, zmq] = await onBoth(async side => [
      await side.call('guarded', { role: 'guest' }),
      [...side.journal.entries],
    ]);

    expect(tcp).toEqual([{ values: [], error: { status: 'error', message: 'Forbidden resource' } }, []]);
    expect(zmq).toEqual(tcp);
  });

  it('let some events pass and not others', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('guarded event', { role: 'guest' });
      await side.emit('guarded event', { role: 'admin' });
      return side.entries(1);
    });

    expect(tcp).toEqual([{ role: 'admin' }]);
    expect(zmq).toEqual(tcp);
  });
});

describe('interceptors of a Nest TCP application run over ZeroMQ', () => {
  it('before and after a handler, and change its answer', async () => {
    const [tcp, zmq] = await onBoth(async side => [await side.call('intercepted', 1), [...side.journal.entries]]);

    expect(tcp).toEqual([{ values: [{ data: 1 }] }, ['before intercepted', 'handled', 'after intercepted']]);
    expect(zmq).toEqual(tcp);
  });

  it('around a stream, and change each of its values', async () => {
    const [tcp, zmq] = await onBoth(async side => [
      await side.call('intercepted stream', [1, 2]),
      [...side.journal.entries],
    ]);

    expect(tcp).toEqual([
      { values: [{ data: 1 }, { data: 2 }] },
      ['before interceptedStream', 'after interceptedStream'],
    ]);
    expect(zmq).toEqual(tcp);
  });
});

describe('request-scoped controllers of a Nest TCP application run over ZeroMQ', () => {
  it('with new providers for every request, which know its context', async () => {
    const [tcp, zmq] = await onBoth(async side => [await side.call('scoped', 'a'), await side.call('scoped', 'b')]);

    expect(tcp).toEqual([
      { values: [{ count: 1, data: 'a', context: 'scoped' }] },
      { values: [{ count: 1, data: 'b', context: 'scoped' }] },
    ]);
    expect(zmq).toEqual(tcp);
  });

  it('with the same providers for all values of a stream', async () => {
    const [tcp, zmq] = await onBoth(side => side.call('scoped stream', [1, 2]));

    const note = (count: number) => ({ count, data: [1, 2], context: 'scoped stream' });
    expect(tcp).toEqual({
      values: [
        [1, note(1)],
        [2, note(2)],
      ],
    });
    expect(zmq).toEqual(tcp);
  });

  it('for events', async () => {
    const [tcp, zmq] = await onBoth(async side => {
      await side.emit('scoped event', 'e');
      return side.entries(1);
    });

    expect(tcp).toEqual([{ count: 1, data: 'e', context: 'scoped event' }]);
    expect(zmq).toEqual(tcp);
  });
});
