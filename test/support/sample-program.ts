import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** Far above what anything here takes on an idle machine: these only keep a hang from being endless. */
const LINE_TIMEOUT_MS = 45_000;
const EXIT_TIMEOUT_MS = 45_000;

interface SampleProgramOptions {
  readonly name: 'main' | 'service' | 'gateway';
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A program of the built sample app in a process of its own, with everything that it printed so far. */
export class SampleProgram {
  private static readonly running = new Set<ChildProcess>();

  private readonly lines: string[] = [];
  private readonly closed: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    // After 'exit' the output may still be on its way, after 'close' it is complete.
    this.closed = once(child, 'close');
    SampleProgram.running.add(child);
    child.once('close', () => SampleProgram.running.delete(child));
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input: input! }).on('line', line => {
        this.lines.push(line);
        this.child.emit('printed', line);
      });
    }
  }

  static start({ name, args = [], env = {} }: SampleProgramOptions): SampleProgram {
    const script = `dist/sample-app/${name === 'main' ? name : `${name}.main`}.js`;
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return new SampleProgram(
      spawn(process.execPath, [script, ...args], { env: { ...process.env, ...env }, stdio: [...stdio] }),
    );
  }

  /** For `afterAll`: ends what a failed test left behind. */
  static killLeftovers(this: void): void {
    for (const child of SampleProgram.running) child.kill('SIGKILL');
  }

  get output(): string {
    return this.lines.join('\n');
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves with the groups of the first line, printed already or still to come, that matches. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (line: string) => {
        const match = pattern.exec(line);
        if (match !== null) settle(() => resolve(match));
      };
      const fail = (why: string) =>
        settle(() => reject(new Error(`${why}, no line matched ${pattern}:\n${this.output}`)));
      const ended = () => fail('The program ended');
      const timer = setTimeout(() => fail(`After ${LINE_TIMEOUT_MS} ms`), LINE_TIMEOUT_MS);
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.child.off('printed', look).off('close', ended);
        act();
      };
      this.child.on('printed', look).on('close', ended);
      this.lines.forEach(look);
    });
  }

  /** The endpoint that a server prints when it is ready. */
  async endpoint(): Promise<string> {
    return (await this.line(/^listening on (\S+)$/))[1]!;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Resolves with the exit code when the program has ended by itself; kills it and rejects if that takes too long. */
  async exitCode(): Promise<number | null> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.child.kill('SIGKILL');
    }, EXIT_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
    if (late) throw new Error(`The program did not end within ${EXIT_TIMEOUT_MS} ms:\n${this.output}`);
    return this.child.exitCode;
  }

  /** Stops the program as a user would; its exit code has to be 0. */
  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const code = await this.exitCode();
    if (code !== 0) throw new Error(`The program ended with ${code ?? this.child.signalCode}:\n${this.output}`);
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('A TCP server has a port');
  return address.port;
}
