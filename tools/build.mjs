// Builds the library and the programs beside it into dist/. With --if-stale it only does so when a source is newer.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const stamp = join(dist, '.built');
const lock = join(root, 'node_modules', '.nestjs-zeromq-build');
/** In the order of their dependence: the sample app is compiled against the library's declarations. */
const PROJECTS = ['tsconfig.lib.json', 'sample-app/tsconfig.app.json'];
const SOURCES = ['lib', 'sample-app', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.lib.json'];
const LOCK_TIMEOUT_MS = 180_000;

/** Safe to call from several processes at once: one builds, the others wait for it. */
export async function build({ ifStale = false } = {}) {
  if (ifStale && isFresh()) return;
  await acquireLock();
  try {
    // Another process may have built while this one waited.
    if (ifStale && isFresh()) return;
    const startedAt = new Date();
    const emitted = PROJECTS.flatMap(compile);
    removeLeftovers(new Set(emitted));
    writeFileSync(stamp, '');
    // A source saved while the compiler ran makes the result stale.
    utimesSync(stamp, startedAt, startedAt);
  } finally {
    rmdirSync(lock);
  }
}

function isFresh() {
  if (!existsSync(stamp)) return false;
  return Math.max(...SOURCES.map(name => newest(join(root, name)))) < statSync(stamp).mtimeMs;
}

function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  // The directory's own time tells of files removed.
  return Math.max(stats.mtimeMs, ...readdirSync(path).map(name => newest(join(path, name))));
}

async function acquireLock() {
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      return mkdirSync(lock);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (Date.now() > deadline)
        throw new Error(`Another build has held ${lock} for too long; remove it if none runs.`);
    }
    await sleep(200);
  }
}

function compile(project) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [compiler, '-p', project, '--listEmittedFiles'];
  const { status, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = stdout.split('\n').filter(Boolean);
  const diagnostics = lines.filter(line => !line.startsWith('TSFILE: '));
  if (status !== 0) throw new BuildFailure(`${project} does not compile:\n${diagnostics.join('\n')}`);
  return lines.map(line => resolve(line.slice('TSFILE: '.length)));
}

/** Instead of emptying dist/ first, so that a program started from it meanwhile finds its files. */
function removeLeftovers(emitted) {
  for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isFile() && path !== stamp && !emitted.has(path)) rmSync(path);
  }
}

class BuildFailure extends Error {}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build({ ifStale: process.argv.includes('--if-stale') });
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
