import { beforeEach, describe, expect, it } from 'vitest';
import { createServerCounters } from '../../../lib/monitoring/server-counters.js';
import { SampledLog } from '../../../lib/monitoring/sampled-log.js';
import type { HandlerRules } from '../../../lib/pipeline/handler-rules.js';
import { ZmqContext, type ZmqPeer } from '../../../lib/pipeline/zmq.context.js';
import { Access, type AccessOptions } from '../../../lib/server/access.js';
import { DenialReports, type ZmqDenial } from '../../../lib/server/denial-reports.js';
import { Refusals } from '../../../lib/server/refusals.js';
import { createPeer } from '../../support/peers.js';
import { refusalOf } from '../../support/refusal.js';
import { createRoutes } from '../../support/routes.js';

const RULES: Readonly<Record<string, HandlerRules[]>> = {
  open: [],
  everybody: [{ allowPeers: 'anyone' }],
  closed: [{ allowPeers: [] }],
  operators: [{ allowPeers: [{ roles: ['operator'] }] }],
};

describe('Access', () => {
  let denials: ZmqDenial[];
  let notes: string[];
  let lines: string[];

  beforeEach(() => {
    denials = [];
    notes = [];
    lines = [];
  });

  function setup(options: Partial<Pick<AccessOptions, 'denyByDefault' | 'anyPattern'>> = {}) {
    const counters = createServerCounters();
    const routes = createRoutes({ handlers: RULES });
    const { peer } = createPeer('\u00ff');
    let paused = 0;
    peer.account.refused = () => paused++;
    const refusals = new Refusals({
      counters,
      log: new SampledLog({ warn: (line: unknown) => lines.push(String(line)) }),
      note: (id, kind) => notes.push(`${id} ${kind}`),
      onMalformed: () => undefined,
      denials: new DenialReports(denial => denials.push(denial)),
    });
    const access = new Access({ denyByDefault: false, anyPattern: false, routes, refusals, ...options });
    const attempt = (pattern: string, kind: ZmqDenial['kind'] = 'request') => ({
      peer,
      sender: peer.identity,
      route: routes.get(pattern),
      kind,
    });
    const refuses = (pattern: string) => access.refuses(attempt(pattern));
    return { access, routes, counters, peer, attempt, refuses, pausedCount: () => paused };
  }

  it('refuses whoever fits no rule, and books it', () => {
    const { refuses, counters, routes, pausedCount } = setup();
    expect(['open', 'everybody', 'closed', 'operators', 'unknown'].map(refuses)).toEqual([
      false,
      false,
      true,
      true,
      false,
    ]);
    expect(counters).toMatchObject({ forbidden: 2, refused: 0, unhandled: 0 });
    expect([routes.get('closed'), routes.get('operators')].map(route => route?.refused.access)).toEqual([1, 1]);
    expect(notes).toEqual(['\u00ff forbidden', '\u00ff forbidden']);
    expect(pausedCount()).toBe(2);
    expect(denials).toMatchObject([
      { peer: { id: 'ff' }, pattern: 'closed', kind: 'request', count: 1 },
      { peer: { id: 'ff' }, pattern: 'operators', kind: 'request', count: 1 },
    ]);
    expect(lines).toEqual(["Peer ff may not call 'closed': a request was refused."]);
  });

  it('refuses unknown patterns under one name where everything is denied by default', () => {
    const { refuses, counters } = setup({ denyByDefault: true });
    expect(['unknown', 'unknown, too', '', '__proto__', 'open'].map(refuses)).toEqual([true, true, true, true, false]);
    expect(counters.forbidden).toBe(4);
    expect(denials).toMatchObject([{ pattern: '__unknown__', count: 1 }]);
  });

  it('leaves unknown patterns to a deserializer, but not what that makes of them', () => {
    const { access, attempt, refuses } = setup({ denyByDefault: true, anyPattern: true });
    expect(refuses('unknown')).toBe(false);
    const refusal = refusalOf(() => access.assertAllowed(attempt('unknown', 'event')));
    expect(refusal.toJSON()).toEqual({ code: 'FORBIDDEN', message: 'Not allowed.' });
    expect(denials).toMatchObject([{ pattern: '__unknown__', kind: 'event' }]);
  });

  it('lets an unknown pattern that a deserializer made be told as such where not everything is denied', () => {
    const { access, attempt } = setup({ anyPattern: true });
    access.assertAllowed(attempt('unknown'));
    access.assertAllowed(attempt('open'));
    expect(denials).toEqual([]);
    expect(refusalOf(() => access.assertAllowed(attempt('operators'))).code).toBe('FORBIDDEN');
  });

  it('goes by who has sent the message, whoever the connection belongs to', () => {
    const { access, peer, attempt, refuses } = setup();
    expect(refuses('operators')).toBe(true);
    const sender = peer.signedBy({ name: 'press-7', roles: ['operator'] });
    expect(access.refuses({ ...attempt('operators', 'event'), sender })).toBe(false);
    expect(access.refuses({ ...attempt('closed'), sender })).toBe(true);
    expect(denials.at(-1)).toMatchObject({ peer: { id: 'ff', identity: 'press-7' }, pattern: 'closed' });
  });

  it('books what guards refuse, of whoever has sent or signed it, even where the connection is not known', () => {
    const { access, peer, counters, routes } = setup();
    const contextOf = (sender: ZmqPeer) =>
      new ZmqContext({ pattern: 'open', metadata: undefined, peer: sender, deadline: undefined });
    access.requestDenied(contextOf(peer.signedBy({ name: 'press-7', roles: [] })));
    access.eventDenied(contextOf({ id: '00' }));
    expect(counters.forbidden).toBe(2);
    expect(routes.get('open')?.refused.access).toBe(2);
    expect(notes).toEqual(['\u00ff forbidden']);
    expect(denials.map(({ peer: { id }, kind }) => [id, kind])).toEqual([
      ['ff', 'request'],
      ['00', 'event'],
    ]);
    expect(lines).toEqual(["Peer ff (press-7) may not call 'open': a request was refused."]);
  });
});
