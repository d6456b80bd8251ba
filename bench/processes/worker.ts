import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Reply, Task } from './messages.js';

/** Set to a directory, makes every process leave a V8 profile of itself there. */
export const PROFILE_VARIABLE = 'BENCH_PROFILE_DIR';

/** A forked server or client process that performs one task at a time. */
export class Worker {
  private constructor(private readonly child: ChildProcess) {}

  static fork(role: 'server' | 'client', peer: string, topic: string): Worker {
    const name = `${peer}-${role}-${topic}.cpuprofile`;
    const path = fileURLToPath(new URL(`./${role}.process.js`, import.meta.url));
    const env = { ...process.env, BENCH_TOPIC: topic, NODE_ENV: 'production' };
    const profiles = process.env[PROFILE_VARIABLE];
    const execArgv =
      profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}`];
    return new Worker(fork(path, { env, execArgv }));
  }

  /** @throws Error where the process fails the task, ends, or takes longer than `timeoutMs`. */
  ask<Result = void>(task: Task, timeoutMs: number): Promise<Result> {
    const { child } = this;
    return new Promise<Result>((resolve, reject) => {
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        child.off('message', onMessage).off('exit', onExit);
        then();
      };
      const onMessage = ({ result, error }: Reply): void =>
        settle(() => (error === undefined ? resolve(result as Result) : reject(new Error(error))));
      const onExit = (): void => settle(() => reject(new Error('its process ended')));
      const timer = setTimeout(
        () => settle(() => reject(new Error(`did not finish within ${(timeoutMs / 1_000).toFixed(1)} s`))),
        timeoutMs,
      );
      child.on('message', onMessage).on('exit', onExit);
      child.send(task, error => {
        if (error) settle(() => reject(error));
      });
    });
  }

  /** Ends the process, by force if it is too busy to hear. */
  stop(): Promise<void> {
    const { child } = this;
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise(resolve => {
      // Writing a profile takes its time.
      const patience = process.env[PROFILE_VARIABLE] === undefined ? 300 : 10_000;
      const force = setTimeout(() => child.kill('SIGKILL'), patience);
      child.once('exit', () => {
        clearTimeout(force);
        resolve();
      });
      if (child.connected) child.disconnect();
    });
  }
}
