import { errorText } from '../error-text.js';
import { Pair } from '../processes/pair.js';
import type { Scenario } from '../scenarios.js';
import { measure, type Round, type Times } from './measurement.js';
import type { PeerEntry } from './peer-list.js';

export interface ScenarioRun {
  readonly scenario: Scenario;
  readonly rounds: ReadonlyMap<string, readonly Round[]>;
  readonly failures: ReadonlyMap<string, string>;
}

export interface RoundsOptions {
  readonly scenario: Scenario;
  readonly peers: readonly PeerEntry[];
  readonly rounds: number;
  readonly times: Times;
  /** Milliseconds since the epoch; no round begins after it. */
  readonly deadline: number;
  readonly onRound: (peer: PeerEntry, round: Round) => void;
}

/** Runs a scenario's rounds: in each, every peer once, and each round in another order, so that slow drifts of the machine cancel out. */
export async function runRounds(options: RoundsOptions): Promise<ScenarioRun> {
  const { scenario, peers, times, deadline, onRound } = options;
  const rounds = new Map<string, Round[]>();
  const failures = new Map<string, string>();
  const pairs = await startPairs(peers, scenario, failures);
  try {
    for (let i = 0; i < options.rounds; i++) {
      for (const peer of rotate(peers, i)) {
        if (Date.now() > deadline) {
          if (!rounds.has(peer.name)) failures.set(peer.name, 'the time was up before its turn');
          continue;
        }
        const pair = pairs.get(peer.name);
        if (!pair) continue;
        const round = await measure(pair, scenario, times).catch(failed);
        rounds.set(peer.name, [...(rounds.get(peer.name) ?? []), round]);
        onRound(peer, round);
        // What it still works on would slow down the next peer.
        if (round.stuck) await restart(peer, i < options.rounds - 1);
      }
    }
  } finally {
    await Promise.all([...pairs.values()].map(pair => pair.stop()));
  }
  return { scenario, rounds, failures };

  async function restart(peer: PeerEntry, needed: boolean): Promise<void> {
    await pairs.get(peer.name)?.stop();
    pairs.delete(peer.name);
    if (!needed) return;
    for (const [name, pair] of await startPairs([peer], scenario, failures)) pairs.set(name, pair);
  }
}

async function startPairs(
  peers: readonly PeerEntry[],
  scenario: Scenario,
  failures: Map<string, string>,
): Promise<Map<string, Pair>> {
  const pairs = new Map<string, Pair>();
  const start = async ({ name }: PeerEntry): Promise<void> => {
    try {
      pairs.set(name, await Pair.start(name, scenario.kind));
    } catch (error) {
      failures.set(name, `did not start: ${errorText(error)}`);
    }
  };
  await Promise.all(peers.map(start));
  return pairs;
}

function failed(error: unknown): Round {
  return { rate: 0, stuck: true, note: errorText(error) };
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const at = by % Math.max(list.length, 1);
  return [...list.slice(at), ...list.slice(0, at)];
}
