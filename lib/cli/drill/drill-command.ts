import type { CliIo } from '../cli-io.js';
import { UsageError } from '../usage-error.js';
import type { Attack } from './attack.js';
import { drillHelp } from './drill-help.js';
import { parseDrillOptions, type DrillOptions } from './drill-options.js';
import { reportEnd, reportHead, reportJson, reportRow, type DrillResult } from './drill-report.js';
import { answers, LARGE_LOAD, measure, ORDINARY_LOAD } from './measurement.js';
import { readMemory } from './memory-probe.js';
import { checkTarget, type Target } from './target.js';
import { checkFiles } from './target-tls.js';
import { judge } from './verdict.js';

const STOPPED = 130;

/**
 * `nestjs-zeromq drill`: attacks a service on this machine, and tells whether it holds.
 *
 * @throws {@link UsageError} that names the option.
 */
export async function runDrill(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseDrillOptions(args);
  if (options === 'help') {
    io.out(drillHelp());
    return 0;
  }
  const checked = await checkTarget(options.target);
  const target = checked.tls === undefined ? checked : { ...checked, tls: { ...checked.tls, ...options.tls } };
  if (target.tls !== undefined) {
    checkFiles(target.tls);
  }
  const { pid, patterns } = options;
  if (pid !== undefined && (await readMemory(pid)) === undefined) {
    throw new UsageError(`--pid names the process ${pid}, whose memory cannot be read.`);
  }
  if (!(await answers({ target, patterns }))) {
    io.err(`${options.target} does not answer '${patterns.echo}' with what it was given. See --pattern.`);
    return 1;
  }
  const results = await drill(options, target, io);
  if (io.signal.aborted) {
    io.err('Stopped before the end.');
    return STOPPED;
  }
  io.out(options.json ? reportJson(results) : reportEnd(results));
  return results.every(({ verdict }) => verdict.held) ? 0 : 1;
}

/** One attack after the other, each reported when it is over. */
async function drill(options: DrillOptions, target: Target, io: CliIo): Promise<readonly DrillResult[]> {
  const { attacks, pid, patterns, milliseconds, budget, json } = options;
  const results: DrillResult[] = [];
  if (!json) {
    io.out(reportHead());
  }
  // What the first attack leaves behind must not make the next one look better.
  let rest: number | undefined;
  for (const attack of attacks) {
    const load = needsLargeMessages(attack) ? LARGE_LOAD : ORDINARY_LOAD;
    const measurement = await measure({
      target,
      attacks: [attack.id],
      patterns,
      milliseconds,
      load,
      pid,
      rest,
      signal: io.signal,
    });
    if (io.signal.aborted) {
      break;
    }
    rest ??= measurement.memory?.rest;
    const result = { attack, measurement, verdict: judge(measurement, { budget }) };
    results.push(result);
    if (!json) {
      io.out(reportRow(result));
    }
  }
  return results;
}

/** Attacks that take the room of large messages show only beside such. */
function needsLargeMessages({ id }: Attack): boolean {
  return id === 'partials';
}
