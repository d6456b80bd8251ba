import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ScenarioSummary, TargetSummary } from '../run/summary.js';
import type { Times } from '../run/measurement.js';
import { chart } from './chart.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Report {
  readonly startedAt: string;
  readonly rounds: number;
  readonly times: Times;
  readonly omitted: readonly string[];
  readonly scenarios: readonly ScenarioSummary[];
  readonly targets: readonly TargetSummary[];
}

/** Writes the results and their chart. @returns the paths, relative to the repository. */
export async function writeReport(report: Report, publish: boolean): Promise<string[]> {
  const name = report.startedAt.replaceAll(/[:.]/g, '-');
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), memoryBytes: totalmem() };
  const versions = { node: process.version, os: `${platform()} ${arch()}`, ...(await packageVersions()) };
  const caption =
    `Medians of ${report.rounds} alternating rounds of ${report.times.measureMs / 1_000} s; server and client in two processes ` +
    `on ${machine.cores} cores; Node ${process.version}; ${report.startedAt.slice(0, 10)}`;

  await mkdir(join(ROOT, 'bench/results'), { recursive: true });
  const json = `bench/results/${name}.json`;
  const svg = `bench/results/${name}.svg`;
  await writeFile(join(ROOT, json), `${JSON.stringify({ ...report, machine, versions }, undefined, 2)}\n`);
  await writeFile(join(ROOT, svg), chart(report.scenarios, caption));
  if (!publish) return [json, svg];

  await mkdir(join(ROOT, 'docs/bench'), { recursive: true });
  await copyFile(join(ROOT, json), join(ROOT, 'docs/bench/results.json'));
  await copyFile(join(ROOT, svg), join(ROOT, 'docs/bench/chart.svg'));
  return [json, svg, 'docs/bench/results.json', 'docs/bench/chart.svg'];
}

async function packageVersions(): Promise<Record<string, string>> {
  const names = ['@nestjs/microservices', 'zeromq', 'nats', 'ioredis', '@grpc/grpc-js'];
  const read = async (name: string): Promise<[string, string][]> => {
    const text = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8').catch(() => undefined);
    return text === undefined ? [] : [[name, (JSON.parse(text) as { version: string }).version]];
  };
  return Object.fromEntries((await Promise.all(names.map(read))).flat());
}
