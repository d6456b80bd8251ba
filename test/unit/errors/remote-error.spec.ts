import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromErrorObject } from '../../../lib/errors/remote-error.js';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';

describe('fromErrorObject', () => {
  it('keeps code, message, details and the other fields of the remote error', () => {
    const error = fromErrorObject({ code: 'OVERLOADED', message: 'full', details: { limit: 1 }, status: 429 });
    expect(error).toBeInstanceOf(ZmqException);
    expect(error).toMatchObject({ code: 'OVERLOADED', message: 'full', details: { limit: 1 }, status: 429 });
    expect(error.retryable).toBe(true);
  });

  it.each([undefined, null, 1, 'text', [], {}, { code: 7, message: {} }])('makes an INTERNAL error of %j', object => {
    const { code, message } = fromErrorObject(object);
    expect([code, message]).toEqual(['INTERNAL', 'The server answered with an error that has no message.']);
  });

  it('lets the server set nothing that every error has', () => {
    const object: unknown = JSON.parse(`{
      "code": "X", "message": "m", "name": "n", "stack": "at server", "cause": "c", "retryable": true, "toJSON": 1,
      "toString": "s", "valueOf": "v", "constructor": "c", "hasOwnProperty": 1, "__proto__": { "polluted": true }
    }`);
    const error = fromErrorObject(object);
    expect(Object.getPrototypeOf(error)).toBe(ZmqException.prototype);
    expect([error.name, error.retryable, error.cause, String(error)]).toEqual([
      'ZmqException',
      false,
      undefined,
      'ZmqException: m',
    ]);
    expect(error.stack).not.toContain('at server');
    expect('polluted' in error).toBe(false);
    expect(JSON.parse(JSON.stringify(error))).toEqual({ code: 'X', message: 'm' });
  });

  it('takes at most 64 other fields', () => {
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`field${index}`, index]));
    const taken = Object.keys(fromErrorObject({ code: 'X', message: 'm', ...fields })).filter(name =>
      name.startsWith('field'),
    );
    expect(taken).toHaveLength(64);
  });

  it('is an error that can be logged, for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        expect(String(fromErrorObject(value))).toMatch(/^ZmqException/);
      }),
    );
  });
});
