import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onCleanup } from './zmq-app.js';

const PROGRAM = new URL('./programs/echo-server.mjs', import.meta.url).pathname;

/** A server with the patterns `echo` and `slow` in a process of its own; needs `ensureBuild()`. */
export class EchoProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly endpoint: string,
  ) {}

  static async start(bind = 'tcp://127.0.0.1:*'): Promise<EchoProcess> {
    const child = fork(PROGRAM, { env: { ...process.env, BIND: bind }, execArgv: [] });
    onCleanup(() => child.kill('SIGKILL'));
    const [message] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`The server at ${bind} did not start.`))),
    ])) as [{ endpoint: string }];
    return new EchoProcess(child, message.endpoint);
  }

  /** Ends the process and resolves when it has gone; gives its exit code, or the signal that killed it. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string> {
    const gone = once(this.child, 'exit');
    this.child.kill(signal);
    const [code, by] = (await gone) as [number | null, string | null];
    return code ?? by ?? 'unknown';
  }
}
