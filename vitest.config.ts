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
    // A left-out test has to say why on the console.
    passWithNoTests: false,
  },
});
