import { describe, expect, it } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';

describe('ZmqException', () => {
  it('is an Error with a code, and retryable by its code unless it says otherwise', () => {
    const error = new ZmqException('OVERLOADED', 'full');
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message, error.retryable]).toEqual([
      'ZmqException',
      'OVERLOADED',
      'full',
      true,
    ]);
    expect(new ZmqException('OVERLOADED', 'm', { retryable: false }).retryable).toBe(false);
    expect(new ZmqException('MY_CODE', 'm', { retryable: true }).retryable).toBe(true);
    expect(new ZmqException('MY_CODE', 'm').retryable).toBe(false);
  });

  it('has details and a cause only where they were given', () => {
    const bare = new ZmqException('INTERNAL', 'm');
    expect([bare.details, bare.cause, Object.keys(bare.toJSON())]).toEqual([undefined, undefined, ['code', 'message']]);
    const cause = new Error('why');
    expect(new ZmqException('INTERNAL', 'm', { details: 0, cause })).toMatchObject({ details: 0, cause });
  });

  it('becomes JSON without its cause and stack', () => {
    const error = new ZmqException('INTERNAL', 'm', { details: { a: 1 }, cause: new Error('secret') });
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: 'INTERNAL', message: 'm', details: { a: 1 } });
    expect(JSON.parse(JSON.stringify(new ZmqException('X', 'm')))).toEqual({ code: 'X', message: 'm' });
  });
});
