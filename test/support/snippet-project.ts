import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const START_TIMEOUT_MS = 20_000;
const RUN_TIMEOUT_MS = 60_000;

/** A program in a process of its own, with what it has printed so far. */
export class SnippetProcess {
  private readonly lines: string[] = [];
  private readonly closed: Promise<unknown>;

  constructor(
    private readonly child: ChildProcess,
    private readonly title: string,
  ) {
    this.closed = once(child, 'close');
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input: input! }).on('line', line => {
        this.lines.push(line);
        child.emit('printed', line);
      });
    }
  }

  get output(): string {
    return this.lines.join('\n');
  }

  /** Resolves when a line that contains the text has been printed. */
  async printed(text: string): Promise<void> {
    const signal = AbortSignal.timeout(START_TIMEOUT_MS);
    const ended = this.closed.then(() => true);
    while (!this.lines.some(line => line.includes(text))) {
      const printed = once(this.child, 'printed', { signal }).then(() => false);
      if (await Promise.race([printed, ended])) {
        if (this.output.includes(text)) return;
        throw new Error(`${this.title} ended without "${text}":\n${this.output}`);
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Resolves with everything that was printed once the program has ended by itself with exit code 0. */
  async result(): Promise<string> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), RUN_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
    const { exitCode, signalCode } = this.child;
    if (exitCode !== 0) throw new Error(`${this.title} ended with ${exitCode ?? signalCode}:\n${this.output}`);
    return this.output;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGTERM');
      await this.closed;
    }
  }
}

/** A new Nest project, as `nest new` makes it, in a folder that git ignores. It uses this repository's packages. */
export class SnippetProject {
  private readonly processes: SnippetProcess[] = [];

  private constructor(
    private readonly root: string,
    private readonly directory: string,
  ) {}

  static async create(): Promise<SnippetProject> {
    mkdirSync('temp', { recursive: true });
    const root = mkdtempSync(resolve('temp', 'snippets-'));
    const project = new SnippetProject(root, join(root, 'shop'));
    const nest = ['new', 'shop', '--skip-git', '--skip-install', '--package-manager', 'npm'];
    await project.launch(resolve('node_modules/.bin/nest'), nest, { cwd: root }).result();
    mkdirSync(join(project.directory, 'node_modules'));
    symlinkSync(resolve('.'), join(project.directory, 'node_modules', 'nestjs-zeromq'), 'dir');
    return project;
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.directory, path), text);
  }

  async build(): Promise<void> {
    await this.launch(resolve('node_modules/.bin/nest'), ['build']).result();
  }

  /** Starts a program of the built project, and resolves once Nest says that it is up. */
  async start(name: string, env: Readonly<Record<string, string>> = {}): Promise<SnippetProcess> {
    const program = this.launch(process.execPath, [`dist/${name}.js`], { env });
    await program.printed('successfully started');
    return program;
  }

  /** What a program of the built project prints until it ends. */
  run(name: string): Promise<string> {
    return this.launch(process.execPath, [`dist/${name}.js`]).result();
  }

  runPython(code: string): Promise<string> {
    return this.launch('/usr/bin/python3', ['-c', code]).result();
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.processes.splice(0).map(program => program.stop()));
  }

  async remove(): Promise<void> {
    await this.stopAll();
    rmSync(this.root, { recursive: true, force: true });
  }

  private launch(
    command: string,
    args: readonly string[],
    { cwd = this.directory, env = {} }: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  ): SnippetProcess {
    const options = { cwd, env: { ...process.env, NO_COLOR: '1', ...env } };
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const program = new SnippetProcess(child, `${command} ${args.join(' ')}`);
    this.processes.push(program);
    return program;
  }
}
