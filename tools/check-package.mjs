// Checks the tarball that would be published: its list of files, its manifest (publint) and its types (attw).
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const REQUIRED = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'dist/index.js', 'dist/index.d.ts'];
const ALLOWED = /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(?!sample-app\/).+\.(js|d\.ts|js\.map))$/;

await build({ ifStale: true });
const folder = mkdtempSync(join(tmpdir(), 'nestjs-zeromq-pack-'));
try {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }));
  const tarball = join(folder, packed.filename);
  const passed = [
    checkFiles(packed.files.map(file => file.path)),
    run('publint', ['--strict', tarball]),
    run('attw', [tarball, '--profile', 'esm-only', '--no-emoji']),
  ];
  process.exitCode = passed.every(Boolean) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}

function checkFiles(paths) {
  const problems = [
    ...REQUIRED.filter(name => !paths.includes(name)).map(name => `missing from the package: ${name}`),
    ...paths.filter(path => !ALLOWED.test(path)).map(path => `does not belong into the package: ${path}`),
  ];
  console.log(
    problems.length === 0 ? `Package holds ${paths.length} files, all of them expected.` : problems.join('\n'),
  );
  return problems.length === 0;
}

function run(program, args) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', program), args, { cwd: root, stdio: 'inherit' });
  return status === 0;
}
