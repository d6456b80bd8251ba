import { describe, expect, it } from 'vitest';
import type { ClientSession, ClientSessionListener } from '../../../lib/client/client-session.js';
import { Endpoint } from '../../../lib/client/endpoint.js';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { resolveClientOptions } from '../../../lib/options/client-options.js';
import { FakeClock } from '../../support/fake-clock.js';

const CLOSED = new ZmqException('DISCONNECTED', 'closed');

/** A session whose fate the test decides. */
class FakeSession {
  opened = false;
  closed = false;

  constructor(readonly listener: ClientSessionListener) {}

  open(): void {
    this.opened = true;
  }

  abandon(reason: string): void {
    this.listener.lost(reason, []);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function setUp({ random = 0, failuresToCreate = 0 } = {}) {
  let failures = 0;
  const clock = new FakeClock();
  const sessions: FakeSession[] = [];
  const told: string[] = [];
  const endpoint = new Endpoint({
    address: 'tcp://a:1',
    options: resolveClientOptions({ connectTimeout: 1_000, reconnect: { minDelay: 100, maxDelay: 1_000 } }),
    createSession: (_address, listener) => {
      if (failures++ < failuresToCreate) {
        throw new Error('Too many open sockets');
      }
      const session = new FakeSession(listener);
      sessions.push(session);
      return session as unknown as ClientSession;
    },
    events: {
      ready: () => told.push('ready'),
      unavailable: (_endpoint, { reason, wasReady }) => told.push(`unavailable ${wasReady}: ${reason}`),
      draining: () => told.push('draining'),
      retrying: (_endpoint, delay) => told.push(`retrying in ${delay}`),
      bounced: () => told.push('bounced'),
    },
    clock,
    random: () => random,
  });
  return { clock, endpoint, sessions, told, last: () => sessions.at(-1)! };
}

/** The delays before five new attempts in a row that all fail. */
function delaysWith(random: number): number[] {
  const { clock, endpoint, sessions, last } = setUp({ random });
  const delays: number[] = [];
  endpoint.start();
  for (let attempt = 0; attempt < 6; attempt++) {
    const { length } = sessions;
    const lostAt = clock.now();
    last().listener.lost('refused', []);
    while (sessions.length === length) {
      clock.advance(1);
    }
    delays.push(clock.now() - lostAt);
  }
  return delays;
}

describe('Endpoint', () => {
  it('connects once, however often it is started', () => {
    const { endpoint, sessions, clock } = setUp();
    endpoint.start();
    endpoint.start();
    expect([sessions.length, sessions[0]!.opened, endpoint.available]).toEqual([1, true, undefined]);
    sessions[0]!.listener.ready();
    endpoint.start();
    expect([sessions.length, clock.pending]).toEqual([1, 0]);
    expect(endpoint.available).toBe(sessions[0]);
  });

  it('waits twice as long after each failure, up to the longest delay, half of it at random', () => {
    expect(delaysWith(0)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(delaysWith(0.99999)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('begins with the shortest delay again after a session that came about', () => {
    const { endpoint, clock, last, told } = setUp();
    endpoint.start();
    for (let attempt = 0; attempt < 5; attempt++) {
      last().listener.lost('refused', []);
      clock.advance(1_000);
    }
    last().listener.ready();
    last().listener.lost('closed', []);
    expect(told.at(-2)).toBe('retrying in 50');
    expect(told.at(-1)).toBe('unavailable true: closed');
  });

  it('tries again when there is no socket to be had', () => {
    const { endpoint, clock, sessions } = setUp({ failuresToCreate: 2 });
    endpoint.start();
    expect([sessions.length, endpoint.lastFailure]).toEqual([0, 'Too many open sockets']);
    clock.advance(50);
    clock.advance(100);
    expect([sessions.length, sessions[0]?.opened]).toEqual([1, true]);
  });

  it('survives a thousand failures', () => {
    const { endpoint, clock, last, sessions } = setUp();
    endpoint.start();
    for (let attempt = 0; attempt < 1_000; attempt++) {
      last().listener.lost('refused', []);
      clock.advance(500);
    }
    expect([sessions.length, clock.pending]).toEqual([1_001, 1]);
  });

  it('gives up a server that takes the connection and never answers', () => {
    const { endpoint, clock, told, sessions } = setUp();
    endpoint.start();
    clock.advance(999);
    expect(told).toEqual([]);
    clock.advance(1);
    expect(told).toEqual(['retrying in 50', 'unavailable false: no answer within 1000 ms']);
    expect(endpoint.lastFailure).toBe('no answer within 1000 ms');
    clock.advance(50);
    expect(sessions).toHaveLength(2);
  });

  it('sends nothing new to a server that drains, and connects anew once it has gone', () => {
    const { endpoint, clock, told, last, sessions } = setUp();
    endpoint.start();
    last().listener.ready();
    last().listener.draining([]);
    expect([endpoint.available, endpoint.current]).toEqual([undefined, sessions[0]]);
    endpoint.start();
    expect(sessions).toHaveLength(1);
    last().listener.lost('closed', []);
    clock.advance(50);
    expect([sessions.length, told.slice(0, 3)]).toEqual([
      2,
      ['ready', 'draining', 'unavailable true: the server is shutting down'],
    ]);
  });

  it('stops for good, in whatever state it is, and can be started again', async () => {
    for (const prepare of ['connecting', 'ready', 'waiting'] as const) {
      const { endpoint, clock, last, sessions, told } = setUp();
      endpoint.start();
      if (prepare === 'ready') {
        last().listener.ready();
      } else if (prepare === 'waiting') {
        last().listener.lost('refused', []);
      }
      await endpoint.stop(CLOSED, 0);
      const { length } = told;
      clock.advance(10_000);
      expect([sessions.length, clock.pending, endpoint.available, endpoint.current]).toEqual([
        1,
        0,
        undefined,
        undefined,
      ]);
      // What a session that is over still has to say concerns nobody.
      sessions[0]!.listener.ready();
      sessions[0]!.listener.draining([]);
      sessions[0]!.listener.lost('late', []);
      expect([told.length, clock.pending]).toEqual([length, 0]);
      endpoint.start();
      expect(sessions).toHaveLength(2);
    }
  });
});
