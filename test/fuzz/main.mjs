// Node 20 runs no TypeScript by itself; vite is here for the tests anyway.
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const lib = fileURLToPath(new URL('../../lib/index.ts', import.meta.url));
const { module } = await runnerImport(fileURLToPath(new URL('./fuzz.ts', import.meta.url)), {
  configFile: false,
  resolve: { alias: { 'nestjs-zeromq': lib } },
});
process.exit(await module.main(process.argv.slice(2)));
