import { rmSync } from 'node:fs';
import { ensureBuild } from '../build.js';

/** Attackers and victims run from the build; figures of an earlier run are of no interest. */
export default async function setup(): Promise<void> {
  await ensureBuild();
  rmSync('temp/attack-figures.jsonl', { force: true });
}
