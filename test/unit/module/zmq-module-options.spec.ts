import 'reflect-metadata';
import { describe, expect, it } from 'vitest';
import { resolveModuleOptions } from '../../../lib/module/zmq-module-options.js';
import { refusalOf } from '../../support/refusal.js';

describe('resolveModuleOptions()', () => {
  it('completes what is not given', () => {
    expect(resolveModuleOptions(undefined)).toEqual({
      limits: {},
      handlers: new Map(),
      denyByDefault: false,
      rateLimits: { maxKeys: 100_000, store: undefined },
      sizeViolations: true,
      validation: {},
      onViolation: undefined,
    });
  });

  it('takes what is given, and leaves it as it is', () => {
    const onViolation = () => undefined;
    const options = Object.freeze({
      limits: Object.freeze({ maxMessageSize: '1kb' }),
      handlers: Object.freeze({ sum: { maxMessageSize: '2kb' } }),
      denyByDefault: true,
      rateLimits: false,
      sizeViolations: false,
      validation: false,
      onViolation,
    });
    expect(resolveModuleOptions(options)).toEqual({
      limits: { maxMessageSize: 1_024 },
      handlers: new Map([['sum', { maxMessageSize: 2_048 }]]),
      denyByDefault: true,
      rateLimits: false,
      sizeViolations: false,
      validation: false,
      onViolation,
    });
  });

  it.each<[options: unknown, name: string]>([
    [null, 'ZmqModule options'],
    [[], 'ZmqModule options'],
    [{ limits: 5 }, 'ZmqModule options.limits'],
    [{ handlers: [] }, 'ZmqModule options.handlers'],
    [{ handlers: { sum: { maxMessageSize: '1mib' } } }, "ZmqModule options.handlers['sum'].maxMessageSize"],
    [{ denyByDefault: 'yes' }, 'ZmqModule options.denyByDefault'],
    [{ limits: { allowPeers: {} } }, 'ZmqModule options.limits.allowPeers'],
    [{ rateLimits: null }, 'ZmqModule options.rateLimits'],
    [{ rateLimits: { maxKeys: 1.5 } }, 'ZmqModule options.rateLimits.maxKeys'],
    [{ rateLimits: { keys: 5 } }, "ZmqModule options.rateLimits has no option 'keys'"],
    [{ sizeViolations: 0 }, 'ZmqModule options.sizeViolations'],
    [{ onViolation: {} }, 'ZmqModule options.onViolation'],
  ])('refuses %o', (options, name) => {
    expect(refusalOf(() => resolveModuleOptions(options))).toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(name) as string,
    });
  });
});
