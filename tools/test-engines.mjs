// Runs the end-to-end tests once for each pair of engines, server and client, that `npm test` has not run: whatever
// carries the messages, both sides keep the same contract.
//
//   node tools/test-engines.mjs [--list | --pair gate-zeromq] [arguments of vitest]
import { spawnSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const ENGINES = ['gate', 'zeromq'];
/** They start programs, which do not know of the tests' engines, try both by themselves, or have nothing to do with them. */
const ON_DEFAULTS = [
  'sample-app-*',
  'readme',
  'gate-program*',
  'asked-once',
  'authenticator*',
  'curve*',
  'exposure',
  'password-flood',
  'secrets',
  'security-*',
  'set-identities',
  'limits/*',
  'shared-rate-limits',
  'rate-limit-store-away',
  'validation-http',
];

const [flag, ...rest] = process.argv.slice(2);
const others = await pairsBesideDefaults();
if (flag === '--list') {
  console.log(others.map(nameOf).join('\n'));
} else if (flag === '--pair') {
  const [name, ...args] = rest;
  const pair = others.find(other => nameOf(other) === name);
  if (pair === undefined) {
    console.error(`--pair must be one of ${others.map(nameOf).join(', ')}, not ${name}.`);
    process.exitCode = 2;
  } else {
    process.exitCode = run(pair, args);
  }
} else {
  const args = process.argv.slice(2);
  const failed = others.filter(pair => run(pair, args) !== 0);
  console.log(`\n${others.length - failed.length} of ${others.length} pairs of engines passed`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

async function pairsBesideDefaults() {
  const defaults = { server: await defaultOf('server'), client: await defaultOf('client') };
  const pairs = ENGINES.flatMap(server => ENGINES.map(client => ({ server, client })));
  return pairs.filter(({ server, client }) => server !== defaults.server || client !== defaults.client);
}

/** The engine that a side has when nobody says otherwise. Node 20 runs no TypeScript by itself. */
async function defaultOf(side) {
  const path = resolve(root, `lib/options/${side}-options.ts`);
  const { module } = await runnerImport(path, { configFile: false, logLevel: 'error' });
  const options = side === 'server' ? module.resolveServerOptions({}) : module.resolveClientOptions({});
  return options.engine;
}

function nameOf({ server, client }) {
  return `${server}-${client}`;
}

function run({ server, client }, args) {
  console.log(`\n== server on ${server}, client on ${client}`);
  const vitest = resolve(root, 'node_modules/vitest/vitest.mjs');
  const left = ON_DEFAULTS.map(name => `--exclude=test/e2e/${name}.spec.ts`);
  const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/e2e/', ...left, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ZMQ_TEST_SERVER_ENGINE: server, ZMQ_TEST_CLIENT_ENGINE: client },
  });
  return status ?? 1;
}
