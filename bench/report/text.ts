import type { PeerSummary, ScenarioSummary, TargetSummary } from '../run/summary.js';

/** @returns the table of one scenario, for a terminal. */
export function scenarioText({ title, unit, peers }: ScenarioSummary): string {
  const header = ['', unit, 'lowest – highest', 'p50 µs', 'p99 µs', 'server µs', 'client µs', 'ours is'];
  const rows = [header, ...peers.map(row)];
  const widths = header.map((_, column) => Math.max(...rows.map(cells => cells[column]?.length ?? 0)));
  const lines = rows.map(cells =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const notes = peers.flatMap(({ label, notes: own }) => own.map(note => `  ${label}: ${note}`));
  return [title, ...lines.map(line => `  ${line}`), ...notes].join('\n');
}

export function targetText({ outcome, title, label, of, ratio, latency, atLeast, p50AtMost }: TargetSummary): string {
  const about = `${title}${of === undefined ? '' : `, ${of}`}, against ${label}`;
  if (p50AtMost !== undefined) {
    const found = latency === undefined ? '' : `: p50 ${ratioText(latency)}`;
    return `  ${outcome.padEnd(12)}  ${about}${found} (at most ${p50AtMost} ×)`;
  }
  const found = ratio === undefined ? '' : `: ${ratioText(ratio)}`;
  return `  ${outcome.padEnd(12)}  ${about}${found} (at least ${atLeast} ×)`;
}

export function rateText(rate: number): string {
  return rate >= 100 ? Math.round(rate).toLocaleString('en-US') : rate.toFixed(1);
}

export function ratioText(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2)} ×`;
}

function row({ label, rate, rounds, p50Us, p99Us, serverCpuUs, clientCpuUs, ratio }: PeerSummary): string[] {
  const rates = rounds.map(round => round.rate);
  const micros = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(value < 100 ? 1 : 0));
  return [
    label,
    rateText(rate),
    rates.length > 1 ? `${rateText(Math.min(...rates))} – ${rateText(Math.max(...rates))}` : '',
    micros(p50Us),
    micros(p99Us),
    micros(serverCpuUs),
    micros(clientCpuUs),
    ratio === undefined ? '' : ratioText(ratio),
  ];
}
