import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TargetName } from './all-targets.js';

const ROOT = fileURLToPath(new URL('./corpus/', import.meta.url));

export function readCorpus(target: TargetName): { readonly name: string; readonly data: Buffer }[] {
  const folder = join(ROOT, target);
  const names = existsSync(folder) ? readdirSync(folder).toSorted() : [];
  return names.map(name => ({ name, data: readFileSync(join(folder, name)) }));
}

/** Keeps an input for all runs to come, and returns the path of its file. */
export function keep(target: TargetName, kind: 'seed' | 'failure', data: Buffer): string {
  const folder = join(ROOT, target);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${kind}-${createHash('sha256').update(data).digest('hex').slice(0, 12)}`);
  writeFileSync(path, data);
  return path;
}
