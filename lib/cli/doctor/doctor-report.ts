import type { Diagnosis, ServerDiagnosis } from './diagnosis.js';
import type { Finding } from './finding.js';
import type { ListenerReport } from './listener-report.js';
import { memoryLines } from './memory-plan.js';
import { linesOf } from './shown-options.js';

export function reportJson({ versions, server, findings }: Diagnosis): string {
  const textsOf = (level: Finding['level']) => findings.filter(found => found.level === level).map(({ text }) => text);
  return JSON.stringify({ versions, ...server, errors: textsOf('error'), warnings: textsOf('warning') });
}

/** @param source Where the options are from. */
export function reportText({ versions, server, findings }: Diagnosis, source: string): string {
  const names = Object.entries(versions).map(([name, version]) => `${name.padEnd(22)}${version}`);
  const sections = [
    section('Versions', names),
    ...(server === undefined ? [] : serverSections(server, source)),
    section(
      'Findings',
      findings.length === 0 ? ['nothing is wrong'] : findings.map(({ level, text }) => `${level}: ${text}`),
    ),
  ];
  return sections.join('\n\n');
}

function serverSections({ options, memory, listeners }: ServerDiagnosis, source: string): string[] {
  return [
    section(`Options in force (${source})`, linesOf(options ?? {})),
    section('Memory', memoryLines(memory)),
    section('Listeners', listeners.map(listenerLine)),
  ];
}

function listenerLine({ endpoint, engine, reach, protection }: ListenerReport): string {
  return `${endpoint}: reached from ${reach}; protection: ${protection}; carried by ${engine}`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map(line => `  ${line}`)].join('\n');
}
