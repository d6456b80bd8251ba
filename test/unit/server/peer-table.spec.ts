import { describe, expect, it, vi } from 'vitest';
import { ZmqException } from '../../../lib/errors/zmq.exception.js';
import type { Call } from '../../../lib/server/call.js';
import { PeerTable, type Departure } from '../../../lib/server/peer-table.js';
import { packetOf } from '../../support/outbox.js';
import { createPeer } from '../../support/peers.js';

const REASON = new ZmqException('DISCONNECTED', 'gone');

function setUp(maxPeers = 10) {
  const heartbeats: string[] = [];
  const departures: (readonly [string, Departure, number])[] = [];
  const table = new PeerTable(
    { maxPeers, leaseTimeout: 60_000, heartbeatInterval: 5_000, stallTimeout: 10_000 },
    {
      heartbeat: ({ id }) => heartbeats.push(id),
      departed: ({ id }, why, undelivered) => departures.push([id, why, undelivered]),
    },
  );
  const expired: string[] = [];
  const sweep = (now: number, leasesRun = true) =>
    table.sweep(now, leasesRun, (peer, why) => {
      expired.push(`${peer.id} ${why}`);
      table.remove(peer, why, REASON);
    });
  const add = (id: string, options: { binary?: boolean; now?: number } = {}) => {
    const { peer } = createPeer(id, options);
    return { peer, added: table.add(peer) };
  };
  return { table, heartbeats, departures, expired, sweep, add };
}

function callThat(cancel: (reason: unknown) => void): Call {
  return { cancel } as unknown as Call;
}

describe('PeerTable', () => {
  it('refuses a peer beyond maxPeers', () => {
    const { table, add } = setUp(2);
    expect([add('a').added, add('b').added, add('c').added]).toEqual([true, true, false]);
    expect([table.size, table.get('c')]).toEqual([2, undefined]);
  });

  it('puts a new peer in the place of one in JSON mode that has nothing under way, and says so', () => {
    const { table, add, departures } = setUp(2);
    add('session');
    add('idle', { binary: false });
    expect(add('new').added).toBe(true);
    expect([...table].map(({ id }) => id)).toEqual(['session', 'new']);
    expect(departures).toEqual([['idle', 'idle', 0]]);
  });

  it('gives nobody the place of a peer in JSON mode that waits for an answer', () => {
    const { add, table } = setUp(2);
    add('calling', { binary: false }).peer.calls.set(
      '1',
      callThat(() => undefined),
    );
    add('receiving', { binary: false }).peer.outbox.push(packetOf(1));
    expect([add('new').added, table.size]).toEqual([false, 2]);
  });

  it('removes a peer once: cancels its requests and tells what it never got', () => {
    const { table, add, departures } = setUp();
    const { peer } = add('a');
    const cancel = vi.fn<(reason: unknown) => void>();
    peer.calls.set(1, callThat(cancel));
    peer.calls.set(2, callThat(cancel));
    peer.outbox.push(packetOf(1));
    table.remove(peer, 'stalled', REASON);
    table.remove(peer, 'closed', REASON);
    expect(cancel.mock.calls).toEqual([[REASON], [REASON]]);
    expect([departures, table.size, peer.departed]).toEqual([[['a', 'stalled', 1]], 0, true]);
  });

  it('does not remove the successor of a peer with the same id', () => {
    const { table, add } = setUp();
    const { peer: old } = add('a');
    table.remove(old, 'disconnected', REASON);
    add('a');
    table.remove(old, 'disconnected', REASON);
    expect(table.size).toBe(1);
  });

  it('shows a silent session that the server lives, and ends one that was silent for longer than its lease', () => {
    const { sweep, add, heartbeats, expired } = setUp();
    const { peer } = add('a');
    sweep(5_000);
    expect(heartbeats).toEqual([]);
    sweep(5_001);
    expect(heartbeats).toEqual(['a']);
    peer.lastSent = 60_000;
    sweep(60_000);
    expect(expired).toEqual([]);
    sweep(60_001);
    expect(expired).toEqual(['a lease expired']);
  });

  it('lets no lease expire while nothing is read from anybody', () => {
    const { sweep, add, expired, heartbeats } = setUp();
    add('a');
    sweep(1_000_000, false);
    expect([expired, heartbeats]).toEqual([[], ['a']]);
  });

  it('gives up a peer that has taken nothing for longer than the stall timeout, even while nothing is read', () => {
    for (const binary of [true, false]) {
      const { sweep, add, expired } = setUp();
      add('a', { binary }).peer.stalledSince = 1_000;
      sweep(11_000, false);
      expect(expired).toEqual([]);
      sweep(11_001, false);
      expect(expired).toEqual(['a stalled']);
    }
  });

  it('forgets peers in JSON mode after a minute, without a heartbeat, unless they have something under way', () => {
    const { sweep, add, heartbeats, departures, table } = setUp();
    add('idle', { binary: false });
    add('calling', { binary: false }).peer.calls.set(
      '1',
      callThat(() => undefined),
    );
    sweep(60_000);
    expect(table.size).toBe(2);
    sweep(60_001);
    expect([...table].map(({ id }) => id)).toEqual(['calling']);
    expect([departures, heartbeats]).toEqual([[['idle', 'idle', 0]], []]);
  });

  it('looks after all peers although some leave meanwhile', () => {
    const { sweep, add, expired } = setUp(100);
    for (let index = 0; index < 50; index++) {
      add(`peer${index}`);
    }
    sweep(60_001);
    expect(expired).toHaveLength(50);
  });
});
