import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 20_000;
const run = promisify(execFile);

/** Why scripts that use pyzmq cannot run here; `undefined` if they can. */
export function whyNoPyzmq(): string | undefined {
  try {
    execFileSync(PYTHON, ['-c', 'import zmq'], { stdio: 'pipe', timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    return `${PYTHON} with pyzmq (Debian: python3-zmq) is not there: ${(error as Error).message.trim()}`;
  }
}

/** Runs a script of `test/interop` and gives the JSON that it prints. */
export async function python(script: string, ...args: readonly string[]): Promise<unknown> {
  const path = fileURLToPath(new URL(`../interop/${script}`, import.meta.url));
  const { stdout } = await run(PYTHON, [path, ...args], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout) as unknown;
}
