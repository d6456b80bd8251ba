import { median } from '../statistics.js';
import type { Target } from '../targets.js';
import type { Round } from './measurement.js';
import { OURS, type PeerEntry } from './peer-list.js';
import type { ScenarioRun } from './rounds.js';

export interface PeerSummary {
  readonly peer: string;
  readonly label: string;
  /** Medians over the rounds. */
  readonly rate: number;
  readonly p50Us?: number;
  readonly p99Us?: number;
  readonly serverCpuUs?: number;
  readonly clientCpuUs?: number;
  /** Our rate over this peer's. */
  readonly ratio?: number;
  readonly rounds: readonly Round[];
  readonly notes: readonly string[];
}

export interface ScenarioSummary {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly peers: readonly PeerSummary[];
}

export interface TargetSummary extends Target {
  readonly title: string;
  readonly label: string;
  readonly outcome: 'pass' | 'fall short' | 'not measured';
  readonly ratio?: number;
  /** Median latency over the peer's. */
  readonly latency?: number;
}

export function summarize({ scenario, rounds }: ScenarioRun, peers: readonly PeerEntry[]): ScenarioSummary {
  const ours = median((rounds.get(OURS) ?? []).map(({ rate }) => rate));
  const summaries = peers.flatMap(({ name, label }): PeerSummary[] => {
    const own = rounds.get(name);
    if (!own) return [];
    const rate = median(own.map(round => round.rate));
    return [
      {
        peer: name,
        label,
        rate,
        ...medians(own),
        ...(name !== OURS && ours > 0 && rate > 0 && { ratio: ours / rate }),
        rounds: own,
        notes: [...new Set(own.flatMap(({ note }) => note ?? []))],
      },
    ];
  });
  return { name: scenario.name, title: scenario.title, unit: scenario.unit, peers: summaries };
}

export function judge(
  targets: readonly Target[],
  scenarios: readonly ScenarioSummary[],
  peers: readonly PeerEntry[],
): TargetSummary[] {
  return targets.flatMap(target => {
    const scenario = scenarios.find(({ name }) => name === target.scenario);
    if (!scenario) return [];
    const of = scenario.peers.find(({ peer }) => peer === (target.of ?? OURS));
    const against = scenario.peers.find(({ peer }) => peer === target.peer);
    if (target.of !== undefined && (of === undefined || against === undefined)) return [];
    const ratio = ratioOf(of?.rate, against?.rate);
    const latency = ratioOf(of?.p50Us, against?.p50Us);
    const label = peers.find(({ name }) => name === target.peer)?.label ?? target.peer;
    const passes =
      target.p50AtMost === undefined ? (ratio ?? 0) >= target.atLeast : (latency ?? Infinity) <= target.p50AtMost;
    const outcome = ratio === undefined ? 'not measured' : passes ? 'pass' : 'fall short';
    const found = { ...(ratio !== undefined && { ratio }), ...(latency !== undefined && { latency }) };
    return [{ ...target, title: scenario.title, label, outcome, ...found }];
  });
}

function ratioOf(ours: number | undefined, theirs: number | undefined): number | undefined {
  return ours !== undefined && theirs !== undefined && ours > 0 && theirs > 0 ? ours / theirs : undefined;
}

function medians(rounds: readonly Round[]): Partial<Record<'p50Us' | 'p99Us' | 'serverCpuUs' | 'clientCpuUs', number>> {
  const of = (key: 'p50Us' | 'p99Us' | 'serverCpuUs' | 'clientCpuUs') => {
    const values = rounds.flatMap(round => round[key] ?? []);
    return values.length > 0 ? { [key]: median(values) } : {};
  };
  return { ...of('p50Us'), ...of('p99Us'), ...of('serverCpuUs'), ...of('clientCpuUs') };
}
