// Checks that imports inside lib/ go one way. A rule per folder in the linter's own
// configuration would repeat this table fourteen times, hence a program of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** From the door down. A folder may import from every later row, never from its own row or an earlier one. */
const LAYERS = [
  ['index.ts'],
  ['module'],
  ['server', 'client', 'cli'],
  ['pipeline', 'gate', 'socket', 'monitoring'],
  ['wire', 'zmtp'],
  ['limits'],
  ['security'],
  ['options'],
  ['errors'],
];

/** What both engines implement; a sibling may import their types, which are gone at run time. */
const CONTRACTS = ['socket/server-socket.js', 'socket/client-socket.js'];

/** Packages that only some folders may import; the rest of them stay testable without a framework or a native addon. */
const PACKAGES = [
  { name: 'zeromq', allowed: ['socket'], typesToo: true },
  { name: '@nestjs/', allowed: ['module', 'server', 'client', 'pipeline', 'monitoring'], typesToo: false },
];

/** @returns {string | undefined} what is wrong with this import, or undefined */
export function judge({ file, specifier, typeOnly = false }) {
  const folder = file.split('/')[0];
  const rank = rankOf(folder);
  if (rank < 0) return `lib/${folder} is in no layer: add it to the table in .ci/check-layers.mjs`;
  if (!specifier.startsWith('.')) return judgePackage({ folder, specifier, typeOnly });
  if (!specifier.endsWith('.js')) return 'relative imports end in .js';
  const target = posix.join(posix.dirname(file), specifier);
  if (target.startsWith('..')) return 'lib/ imports nothing outside of lib/';
  const targetFolder = target === 'index.js' ? 'index.ts' : target.split('/')[0];
  if (targetFolder === folder) return undefined;
  const targetRank = rankOf(targetFolder);
  if (targetRank < 0) return `lib/${targetFolder} is in no layer`;
  if (typeOnly && targetRank === rank && CONTRACTS.includes(target)) return undefined;
  if (targetRank === rank) return `${folder} and ${targetFolder} are siblings and do not import each other`;
  if (targetRank < rank) return `imports go one way: ${targetFolder} stands above ${folder}`;
  return undefined;
}

function judgePackage({ folder, specifier, typeOnly }) {
  if (specifier === 'nestjs-zeromq') return 'the library imports its own files by relative paths';
  const rule = PACKAGES.find(({ name }) => specifier === name || specifier.startsWith(name.replace(/\/?$/, '/')));
  if (!rule || rule.allowed.includes(folder) || (typeOnly && !rule.typesToo)) return undefined;
  return `${specifier} is imported only from ${rule.allowed.map(name => `lib/${name}`).join(', ')}`;
}

function rankOf(folder) {
  return LAYERS.findIndex(row => row.includes(folder));
}

/** Every import of a source text: static, re-export, `import()`, `require()`, `import type`, `typeof import()`. */
export function importsOf(text) {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest, true);
  const found = [];
  const add = (node, typeOnly) => {
    if (!node || !ts.isStringLiteralLike(node)) return;
    found.push({
      specifier: node.text,
      typeOnly,
      line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
    });
  };
  const visit = node => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true);
    else if (ts.isExternalModuleReference(node)) add(node.expression, false);
    else if (ts.isCallExpression(node) && isLoader(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isLoader(callee) {
  return callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require');
}

function check(lib) {
  const names = readdirSync(lib, { recursive: true, encoding: 'utf8' });
  const files = names.filter(name => name.endsWith('.ts')).map(name => name.split(sep).join('/'));
  return files.sort().flatMap(file =>
    importsOf(readFileSync(join(lib, file), 'utf8')).flatMap(({ line, ...found }) => {
      const problem = judge({ file, ...found });
      return problem ? [`lib/${file}:${line} imports '${found.specifier}': ${problem}`] : [];
    }),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const problems = check(process.argv[2] ?? join(root, 'lib'));
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? 'Layers: no violation.' : `Layers: ${problems.length} violation(s).`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
