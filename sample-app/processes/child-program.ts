import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { announcedEndpoint } from './announcement.js';

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;

interface ChildProgramOptions {
  /** Its main file is `<name>.main.js`. */
  readonly name: 'service' | 'gateway';
  readonly args: readonly string[];
  /** Environment variables beside those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** One of the sample's servers in a process of its own, which prints where this process prints. */
export class ChildProgram {
  private constructor(
    private readonly child: ChildProcess,
    /** Where it can be reached. */
    readonly endpoint: string,
    /** Rejects, naming the program, when it ends. */
    readonly ended: Promise<never>,
  ) {}

  /** Resolves once the program listens; rejects if it ends before that or takes too long. */
  static async start({ name, args, env }: ChildProgramOptions): Promise<ChildProgram> {
    const script = fileURLToPath(new URL(`../${name}.main.js`, import.meta.url));
    const child = fork(script, args, { env: { ...process.env, ...env } });
    const ended = rejectOnEnd(child, name);
    // Nobody waits for it while the program is being stopped.
    ended.catch(() => undefined);
    try {
      const endpoint = await Promise.race([announcedEndpoint(child), ended, rejectOnTimeout(name)]);
      return new ChildProgram(child, endpoint, ended);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
  }

  /** Lets the program shut down; resolves when its process has ended. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      return;
    }
    const exited = once(this.child, 'exit');
    const lastResort = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    this.child.kill('SIGTERM');
    await exited;
    clearTimeout(lastResort);
  }
}

async function rejectOnEnd(child: ChildProcess, name: string): Promise<never> {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`The ${name} has ended: ${code === null ? signal : `exit code ${code}`}`);
}

async function rejectOnTimeout(name: string): Promise<never> {
  await delay(START_TIMEOUT_MS, undefined, { ref: false });
  throw new Error(`The ${name} did not listen within ${START_TIMEOUT_MS / 1000} s`);
}
