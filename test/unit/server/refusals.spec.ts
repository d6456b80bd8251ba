import { describe, expect, it } from 'vitest';
import { SampledLog } from '../../../lib/monitoring/sampled-log.js';
import { createServerCounters } from '../../../lib/monitoring/server-counters.js';
import { DenialReports } from '../../../lib/server/denial-reports.js';
import { Refusals } from '../../../lib/server/refusals.js';
import { NEVER_SIGNED, type SenderRefusal } from '../../../lib/server/senders.js';
import { createPeer } from '../../support/peers.js';

function setup() {
  const lines: string[] = [];
  const notes: unknown[] = [];
  let paused = 0;
  const { peer } = createPeer('\u00ff');
  peer.account.refused = () => paused++;
  const counters = createServerCounters();
  const refusals = new Refusals({
    counters,
    log: new SampledLog({ warn: (line: unknown) => lines.push(String(line)) }),
    note: (id, kind, figures) => notes.push([id, kind, figures]),
    onMalformed: () => undefined,
    denials: new DenialReports(() => undefined),
  });
  return { refusals, peer, counters, lines, notes, pausedCount: () => paused };
}

const BUSY: SenderRefusal = { problem: 'busy', error: { code: 'OVERLOADED', message: 'busy' } };
const TOO_LARGE: SenderRefusal = { problem: 'too-large', error: { code: 'PAYLOAD_TOO_LARGE', message: 'large' } };

describe('Refusals of senders who are not known', () => {
  it('are counted, told with the reason, and held against whoever has the connection, in one line of the log', () => {
    const { refusals, peer, counters, lines, notes, pausedCount } = setup();
    for (let index = 0; index < 10_000; index++) {
      refusals.unidentified({ peer, pattern: 'sum', kind: 'request' }, { ...NEVER_SIGNED, problem: 'wrong' });
    }
    expect([counters.unauthenticated, counters.refused, pausedCount()]).toEqual([10_000, 0, 10_000]);
    expect(notes[0]).toEqual(['\u00ff', 'not-authenticated', { reason: 'signature-wrong' }]);
    expect(lines).toEqual(['Refused a request of peer ff: signature wrong.']);
  });

  it.each(['request', 'event'] as const)('are those of a full server where a right %s is too much', kind => {
    const { refusals, peer, counters, pausedCount } = setup();
    refusals.unidentified({ peer, pattern: 'sum', kind }, BUSY);
    refusals.unidentified({ peer, pattern: 'sum', kind }, TOO_LARGE);
    expect([counters.unauthenticated, counters.refused, pausedCount()]).toEqual([0, 2, 0]);
  });
});
