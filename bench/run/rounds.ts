import { errorText } from '../error-text.js';
import type { Scenario } from '../scenarios.js';
import { measure, type Round, type Times } from './measurement.js';
import type { PairPool } from './pair-pool.js';
import type { PeerEntry } from './peer-list.js';

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
  readonly failures: ReadonlyMap<string, string>;
}

export interface RoundsOptions {
  readonly scenario: Scenario;
  readonly peers: readonly PeerEntry[];
  readonly pool: PairPool;
  readonly rounds: number;
  readonly times: Times;
  /** Milliseconds since the epoch; no turn begins after it. */
  readonly deadline: number;
  readonly onRound: (peer: PeerEntry, round: Round) => void;
}

/**
 * Runs a scenario's rounds. In each, every peer has one turn, each time in another order, so that slow drifts of the
 * machine cancel out.
 */
export async function runRounds(options: RoundsOptions): Promise<ScenarioRun> {
  const { scenario, peers, pool, times, deadline, onRound } = options;
  const rounds = new Map<string, Round[]>();
  const failures = await pool.start(peers, scenario.kind);
  for (let i = 0; i < options.rounds; i++) {
    for (const peer of rotate(peers, i)) {
      const pair = pool.get(peer.name);
      if (!pair) continue;
      if (Date.now() > deadline) {
        failures.set(peer.name, `the time was up after ${rounds.get(peer.name)?.length ?? 0} rounds`);
        continue;
      }
      const round = await measure(pair, scenario, times).catch(failed);
      rounds.set(peer.name, [...(rounds.get(peer.name) ?? []), round]);
      onRound(peer, round);
      // What it still works on would slow down the next peer.
      if (round.stuck) await pool.stop(peer.name);
    }
    if (i < options.rounds - 1) await pool.start(peers, scenario.kind);
  }
  return { scenario, rounds, failures };
}

function failed(error: unknown): Round {
  return { rate: 0, stuck: true, note: errorText(error) };
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const at = by % Math.max(list.length, 1);
  return [...list.slice(at), ...list.slice(0, at)];
}
