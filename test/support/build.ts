import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Compiles the library and the sample app into dist/ unless that is newer than the sources, for tests that start
 * programs in processes of their own. Safe to call from several test files at once. Give its hook a timeout of
 * {@link BUILD_TIMEOUT_MS}.
 */
export async function ensureBuild(): Promise<void> {
  await promisify(execFile)(process.execPath, ['tools/build.mjs', '--if-stale']);
}

export const BUILD_TIMEOUT_MS = 180_000;
