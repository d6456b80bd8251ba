import { parseArgs } from 'node:util';
import type { Times } from './run/measurement.js';
import { PEERS, type PeerEntry } from './run/peer-list.js';
import { type Scenario, SCENARIOS } from './scenarios.js';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly peers: readonly PeerEntry[];
  readonly rounds: number;
  readonly times: Times;
  /** Milliseconds for everything. */
  readonly budgetMs: number;
  readonly publish: boolean;
  readonly profile: boolean;
  /** Starts new processes for every scenario; otherwise for every kind of scenario. */
  readonly fresh: boolean;
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [options]

  --quick          one short round, within a minute; too rough to quote
  --only a,b       scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --peers a,b      peers: ${PEERS.map(({ name }) => name).join(', ')}
  --rounds n       rounds of each scenario (3)
  --seconds n      measured time of each round (3)
  --publish        copies the results and the chart to docs/bench/
  --profile        leaves a V8 profile of each process in bench/results/profiles/; the rates are lower then
  --help
`;

const QUICK_BUDGET_MS = 40_000;
const QUICK_VALUES = 20_000;

/** @throws Error that names the option and what it takes. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      peers: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      publish: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const measureMs = positive('--seconds', values.seconds ?? (quick ? '0.4' : '3')) * 1_000;
  const rounds = positive('--rounds', values.rounds ?? (quick ? '1' : '3'));
  if (!Number.isInteger(rounds)) throw new Error('--rounds takes a whole number');
  const scenarios = pick('--only', values.only, SCENARIOS);
  return {
    // A fifth of the stream is enough to see that it works.
    scenarios: quick ? scenarios.map(each => ({ ...each, values: each.values && QUICK_VALUES })) : scenarios,
    peers: pick('--peers', values.peers, PEERS).filter(
      ({ onRequest }) => onRequest !== true || values.peers.length > 0,
    ),
    rounds,
    times: { warmMs: quick ? 200 : Math.max(1_000, measureMs / 3), measureMs, longestMs: quick ? 1_500 : 30_000 },
    budgetMs: quick ? QUICK_BUDGET_MS : Infinity,
    publish: values.publish,
    profile: values.profile,
    fresh: !quick,
    help: values.help,
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} takes a number above 0, not "${text}"`);
  return value;
}

function pick<T extends { name: string }>(option: string, lists: readonly string[], all: readonly T[]): readonly T[] {
  const names = lists.flatMap(list => list.split(',')).filter(name => name !== '');
  const unknown = names.find(name => !all.some(each => each.name === name));
  if (unknown !== undefined) {
    throw new Error(`${option} knows no "${unknown}", only ${all.map(({ name }) => name).join(', ')}`);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}
