import { errorText } from './error-text.js';
import { type BenchOptions, readOptions, USAGE } from './options.js';
import { PROFILE_VARIABLE } from './processes/worker.js';
import { writeReport } from './report/files.js';
import { rateText, scenarioText, targetText } from './report/text.js';
import { absence, type PeerEntry, PEERS } from './run/peer-list.js';
import { PairPool } from './run/pair-pool.js';
import { runRounds } from './run/rounds.js';
import { judge, type ScenarioSummary, summarize } from './run/summary.js';
import type { Scenario } from './scenarios.js';
import { TARGETS } from './targets.js';

const startedAt = new Date();
const omitted: string[] = [];

const options = read();
if (options.help) {
  console.log(USAGE);
} else {
  await bench(options);
}

async function bench({
  scenarios,
  rounds,
  times,
  budgetMs,
  publish,
  profile,
  fresh,
  ...rest
}: BenchOptions): Promise<void> {
  if (profile) process.env[PROFILE_VARIABLE] = 'bench/results/profiles';
  const peers = await present(rest.peers);
  const deadline = startedAt.getTime() + budgetMs;
  const summaries: ScenarioSummary[] = [];
  const pool = new PairPool();
  for (const scenario of scenarios) {
    if (Date.now() > deadline) {
      omit(scenario.title, 'the time was up');
      continue;
    }
    console.log(`\n${scenario.title}${scenario.kind === 'stream' ? ` (${scenario.values})` : ''}`);
    const run = await runRounds({
      scenario,
      peers: able(peers, scenario),
      pool,
      rounds,
      times,
      deadline,
      onRound: ({ label }, { rate, note }) => console.log(`  ${label}: ${rateText(rate)}${note ? ` (${note})` : ''}`),
    });
    if (fresh) await pool.stopAll();
    for (const [name, reason] of run.failures) omit(`${name} in ${scenario.name}`, reason);
    summaries.push(summarize(run, peers));
  }
  await pool.stopAll();

  console.log(
    `\nMedians of ${rounds} round(s); µs of processor time are for one of the counted things, without a broker's`,
  );
  for (const summary of summaries) console.log(`\n${scenarioText(summary)}`);
  const targets = judge(TARGETS, summaries, PEERS);
  if (targets.length > 0) console.log(`\nTargets\n${targets.map(targetText).join('\n')}`);
  if (omitted.length > 0) console.log(`\nLeft out\n${omitted.map(line => `  ${line}`).join('\n')}`);

  // A profiled process runs slower, each peer's by another share.
  if (profile) return;
  const report = { startedAt: startedAt.toISOString(), rounds, times, omitted, scenarios: summaries, targets };
  const paths = await writeReport(report, publish);
  console.log(`\nWritten: ${paths.join(', ')}`);
}

async function present(peers: readonly PeerEntry[]): Promise<PeerEntry[]> {
  const here: PeerEntry[] = [];
  for (const peer of peers) {
    const reason = await absence(peer);
    if (reason === undefined) here.push(peer);
    else omit(peer.label, reason);
  }
  return here;
}

function able(peers: readonly PeerEntry[], { name, title }: Scenario): PeerEntry[] {
  return peers.filter(({ label, omits }) => {
    const reason = omits?.[name];
    if (reason !== undefined) omit(`${label} in "${title}"`, reason);
    return reason === undefined;
  });
}

function omit(what: string, reason: string): void {
  omitted.push(`${what}: ${reason}`);
  console.log(`left out: ${what}: ${reason}`);
}

function read(): BenchOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(errorText(error));
    console.error(USAGE);
    return process.exit(2);
  }
}
