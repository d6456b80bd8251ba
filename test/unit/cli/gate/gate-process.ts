import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMemory } from '../../../../lib/cli/drill/memory-probe.js';
import { onCleanup, until } from '../../../support/zmq-app.js';

export interface GateEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface GateRun {
  readonly code: number | null;
  readonly signal: string | null;
}

const MEBI = 1024 ** 2;

/** `nestjs-zeromq gate` in a process of its own; needs `ensureBuild()`. */
export class GateProcess {
  readonly events: GateEvent[] = [];
  readonly ended: Promise<GateRun>;
  stderr = '';
  stdout = '';
  private readonly child: ChildProcess;
  private rest = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, ['dist/cli/main.js', 'gate', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    onCleanup(() => this.child.kill('SIGKILL'));
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.read(text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
  }

  /** Listening on a free port, with JSON lines and a status ten times a second. */
  static async start(forward: string, ...args: readonly string[]): Promise<GateProcess> {
    const common = ['--listen', 'tcp://127.0.0.1:*', '--json', '--status-interval', '0.1'];
    const gate = new GateProcess([...common, '--forward', forward, ...args]);
    await gate.until('started');
    return gate;
  }

  /** Likewise, listening where its config file says. */
  static async configured(config: string): Promise<GateProcess> {
    const gate = new GateProcess(['--config', config, '--json', '--status-interval', '0.1']);
    await gate.until('started');
    return gate;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get endpoint(): string {
    const { endpoints } = this.all('started')[0] as GateEvent & { endpoints: string[] };
    return endpoints[0] as string;
  }

  /** The last status. */
  get status(): GateEvent {
    return this.all('status').at(-1) ?? { event: 'status' };
  }

  all(event: string): GateEvent[] {
    return this.events.filter(entry => entry.event === event);
  }

  /** The first event of the name, or the first that satisfies a condition. */
  async until(event: string, condition: (entry: GateEvent) => boolean = () => true): Promise<GateEvent> {
    let found: GateEvent | undefined;
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    const isThere = () => {
      found = this.all(event).find(condition);
      return found !== undefined || hasEnded;
    };
    await until(isThere, 10_000);
    if (found === undefined) {
      throw new Error(`The program has ended without '${event}': ${this.stdout}${this.stderr}`);
    }
    return found;
  }

  /** Lets so many status reports pass, so that what is going to happen has happened. */
  async moreStatuses(count: number): Promise<void> {
    const target = this.all('status').length + count;
    await until(() => this.all('status').length >= target, 10_000);
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  stop(): Promise<GateRun> {
    this.kill('SIGTERM');
    return this.ended;
  }

  /** Megabytes of resident memory now, and the most there ever were. */
  async memory(): Promise<{ readonly now: number; readonly high: number }> {
    const { now, high } = (await readMemory(this.pid)) ?? { now: 0, high: 0 };
    return { now: now / MEBI, high: high / MEBI };
  }

  private read(text: string): void {
    this.stdout += text;
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines.filter(each => each.startsWith('{'))) {
      this.events.push(JSON.parse(line) as GateEvent);
    }
  }
}

/** A directory of the test's own. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'gate-'));
  onCleanup(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A name in it for an `ipc://` endpoint. */
export function anyIpc(): string {
  return `ipc://${join(temporaryDirectory(), 'app.sock')}`;
}

export function configFile(content: unknown): string {
  const path = join(temporaryDirectory(), 'gate.json');
  rewriteConfig(path, content);
  return path;
}

export function rewriteConfig(path: string, content: unknown): void {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
}
