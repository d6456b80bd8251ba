import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const ci = process.env['CI'] === 'true';

// One attack at a time, apart from the other tests: each measures what the machine has left for honest clients.
export default defineConfig({
  resolve: {
    alias: { 'nestjs-zeromq': fileURLToPath(new URL('./lib/index.ts', import.meta.url)) },
  },
  test: {
    include: ['test/attacks/**/*.spec.ts'],
    globalSetup: ['test/support/attacks/before-all.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 45_000,
    teardownTimeout: 10_000,
    reporters: ['default'],
    allowOnly: !ci,
    // Goodput is a share of what the machine gives, which others on it may take away for some seconds.
    retry: ci ? 2 : 0,
  },
});
