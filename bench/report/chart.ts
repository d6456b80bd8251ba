import type { ScenarioSummary } from '../run/summary.js';
import { OURS } from '../run/peer-list.js';
import { rateText, ratioText } from './text.js';

const WIDTH = 860;
const LABEL_WIDTH = 130;
const BAR_WIDTH = 520;
const ROW = 24;
const TITLE = 34;
const GAP = 22;

/** @returns one panel of bars for each scenario, as an SVG that reads on light and dark pages. */
export function chart(scenarios: readonly ScenarioSummary[], caption: string): string {
  let y = 16;
  const panels: string[] = [];
  for (const scenario of scenarios) {
    panels.push(panel(scenario, y));
    y += TITLE + scenario.peers.length * ROW + GAP;
  }
  const height = y + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13">
<title>nestjs-zeromq beside other transports</title>
<style>
  .back { fill: #ffffff } .text { fill: #1f2328 } .soft { fill: #59636e } .bar { fill: #9aa7b5 } .ours { fill: #d1242f }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .text { fill: #f0f6fc } .soft { fill: #9198a1 } .bar { fill: #5b6673 } .ours { fill: #ff7b72 }
  }
</style>
<rect class="back" width="${WIDTH}" height="${height}"/>
${panels.join('\n')}
<text class="soft" x="16" y="${height - 14}" font-size="11">${escape(caption)}</text>
</svg>
`;
}

function panel({ title, unit, peers }: ScenarioSummary, top: number): string {
  const most = Math.max(1, ...peers.map(({ rate }) => rate));
  const bars = peers.map(({ peer, label, rate, ratio }, i) => {
    const y = top + TITLE + i * ROW;
    const length = Math.max(1, (rate / most) * BAR_WIDTH);
    const figure = `${rateText(rate)}${ratio === undefined ? '' : `  (ours ${ratioText(ratio)})`}`;
    const style = peer === OURS ? 'ours' : 'bar';
    return [
      `<text class="text" x="${16 + LABEL_WIDTH - 10}" y="${y + 13}" text-anchor="end">${escape(label)}</text>`,
      `<rect class="${style}" x="${16 + LABEL_WIDTH}" y="${y}" width="${length.toFixed(1)}" height="${ROW - 6}" rx="2"/>`,
      `<text class="text" x="${(16 + LABEL_WIDTH + length + 8).toFixed(1)}" y="${y + 13}">${escape(figure)}</text>`,
    ].join('\n');
  });
  const heading = `<text class="text" x="16" y="${top + 14}" font-weight="600">${escape(title)} <tspan class="soft" font-weight="400">${escape(unit)}, higher is better</tspan></text>`;
  return [heading, ...bars].join('\n');
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
