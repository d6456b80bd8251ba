import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

const ci = process.env['CI'] === 'true';

export default defineConfig({
  resolve: {
    alias: { 'nestjs-zeromq': fileURLToPath(new URL('./lib/index.ts', import.meta.url)) },
  },
  test: {
    include: ['test/**/*.spec.ts'],
    // Attacks want the machine to themselves: npm run test:attacks.
    exclude: [...configDefaults.exclude, 'test/attacks/**'],
    // zeromq is a native addon with threads of its own: processes keep one file's sockets out of another's.
    pool: 'forks',
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    reporters: ['default'],
    allowOnly: !ci,
    // Other programs on the machine of a run may hold a process up for longer than any test allows for. What passes only when
    // it is tried again is named at the end of the run.
    retry: ci ? 1 : 0,
    // A left-out test has to say why on the console.
    passWithNoTests: false,
  },
});
