import 'reflect-metadata';
import type { MessageHandler } from '@nestjs/microservices';
import { describe, expect, it } from 'vitest';
import { resolveServerOptions, type ZmqServerOptions } from '../../../lib/options/server-options.js';
import type { HandlerRules } from '../../../lib/pipeline/handler-rules.js';
import { contradictions } from '../../../lib/server/contradictions.js';
import { Routes } from '../../../lib/server/routes.js';
import { signingKey } from '../../support/signatures.js';

const HANDLER = (() => Promise.resolve()) as unknown as MessageHandler;

function found(options: ZmqServerOptions, rules: HandlerRules = {}): string[] {
  const resolved = resolveServerOptions(options);
  const application = {
    defaults: {},
    rulesOf: () => [rules],
    denyByDefault: false,
    countsRates: true,
    isGuarded: () => false,
    maxRateKeys: 10,
    sharedRates: undefined,
    violated: undefined,
  };
  const routes = new Routes(new Map([['work', HANDLER]]), application, resolved);
  return [...contradictions(resolved, routes)];
}

describe('contradictions among options', () => {
  it('are none among the defaults', () => {
    expect(found({})).toEqual([]);
  });

  it.each(['outboxSize', 'streamBuffer', 'eventWindow'] as const)('are told of limits.%s above the budget', name => {
    expect(found({ memoryBudget: '32mb', limits: { [name]: '64mb' } })).toEqual([
      `limits.${name} (64 MB) is above memoryBudget (32 MB), which ends first.`,
    ]);
  });

  it('are told of what libzmq may keep of each peer', () => {
    const options: ZmqServerOptions = {
      engine: 'zeromq',
      memoryBudget: '64mb',
      socket: { receiveHighWaterMark: 1_000 },
    };
    expect(found(options)).toEqual([expect.stringContaining('libzmq may keep')]);
    expect(found({ ...options, engine: 'gate' })).toEqual([]);
    expect(found({ ...options, bind: 'ipc:///tmp/contradictions' })).toEqual([]);
  });

  it('are told of signatures that are required and that nobody can make', () => {
    const signatures = { required: true };
    expect(found({ signatures })).toEqual([expect.stringContaining('no identity has a signingKey')]);
    expect(found({ signatures, identities: { 'press-7': { signingKey: signingKey(1) } } })).toEqual([]);
  });

  it('are told of a handler with more places than its server', () => {
    expect(found({ concurrency: 10 }, { concurrency: { limit: 8, queue: 2 } })).toEqual([]);
    expect(found({ concurrency: 10 }, { concurrency: { limit: 8, queue: 3 } })).toEqual([
      "The handler of 'work' has places and a queue for 11 calls, more than concurrency.limit of its server (10).",
    ]);
  });
});
