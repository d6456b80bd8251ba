import { RpcException } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { toErrorObject } from '../../../lib/server/error-object.js';

const INTERNAL = { code: 'INTERNAL', message: 'Internal server error' };

describe('toErrorObject', () => {
  it('keeps code, message and details of a ZmqException', () => {
    const error = new ZmqException('OVERLOADED', 'full', { details: { limit: 3 }, cause: new Error('secret') });
    expect(toErrorObject(error)).toEqual({ code: 'OVERLOADED', message: 'full', details: { limit: 3 } });
  });

  it('keeps all fields of an object in an RpcException except its stack', () => {
    const fields = { code: 'X', message: 'm', details: [1], status: 404, stack: 'at secret' };
    expect(toErrorObject(new RpcException(fields))).toEqual({ code: 'X', message: 'm', details: [1], status: 404 });
  });

  it.each([
    [new RpcException('text'), { code: 'INTERNAL', message: 'text', status: 'error' }],
    ['text', { code: 'INTERNAL', message: 'text', status: 'error' }],
    [
      { code: 7, message: 'm' },
      { code: '7', message: 'm' },
    ],
    [
      { status: 'error', message: 'm' },
      { code: 'INTERNAL', message: 'm', status: 'error' },
    ],
    [{}, INTERNAL],
    [{ code: {}, message: 1 }, INTERNAL],
  ])('makes the best of %o', (error, object) => {
    expect(toErrorObject(error)).toEqual(object);
  });

  it.each([new Error('secret'), new TypeError('secret'), null, undefined, 1, true, 1n, Symbol('s'), () => 'secret'])(
    'tells nothing of %o',
    error => {
      expect(toErrorObject(error)).toEqual(INTERNAL);
    },
  );

  it('bounds the message', () => {
    const message = 'm'.repeat(100_000);
    for (const error of [message, { message }, new RpcException(message)]) {
      expect(toErrorObject(error).message).toHaveLength(8_192);
    }
  });
});
