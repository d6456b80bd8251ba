import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ZmqClientOptions, ZmqServerOptions, ZmqServerStats } from 'nestjs-zeromq';
import { onCleanup } from './zmq-app.js';

/** Requests with a deadline: so many a second, or so many at a time. */
export interface OfferedLoad {
  readonly seconds: number;
  readonly perSecond?: number;
  readonly atATime?: number;
  readonly deadlineMs: number;
  /** Characters of the payload. */
  readonly fill: number;
}

export interface LoadOutcome {
  readonly offered: number;
  /** Milliseconds of each request that was served. */
  readonly latencies: readonly number[];
  /** How many failed with each code. */
  readonly codes: Readonly<Record<string, number>>;
  /** Requests of which nothing was heard. */
  readonly silent: number;
  /** Until the last one had settled. */
  readonly seconds: number;
}

export interface WorkServerOptions {
  readonly server: ZmqServerOptions;
  readonly places: number;
  readonly queue: number;
  readonly workMs: number;
}

export interface WorkFigures {
  /** Milliseconds of the server's own clock. */
  readonly at: number;
  /** How often so many places, always busy, would have done the work until now. */
  readonly turns: number;
  /** Bytes of resident memory. */
  readonly rss: number;
  readonly stats: ZmqServerStats;
}

/** A server with a handler `work` of known capacity, in a process of its own; needs `ensureBuild()`. */
export class WorkProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly endpoint: string,
  ) {}

  static async start(options: WorkServerOptions): Promise<WorkProcess> {
    const { child, told } = await startProgram('overloaded.mjs', options);
    return new WorkProcess(child, (told as { endpoint: string }).endpoint);
  }

  look(): Promise<WorkFigures> {
    return ask(this.child, {});
  }
}

/** A client in a process of its own; needs `ensureBuild()`. */
export class OfferingProcess {
  private constructor(private readonly child: ChildProcess) {}

  static async start(options: ZmqClientOptions): Promise<OfferingProcess> {
    return new OfferingProcess((await startProgram('offering-client.mjs', options)).child);
  }

  offer(load: OfferedLoad): Promise<LoadOutcome> {
    return ask(this.child, load);
  }
}

/** The value that a part of all does not exceed, e.g. 0.99 of them. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

async function startProgram(name: string, options: object): Promise<{ child: ChildProcess; told: unknown }> {
  const program = new URL(`./programs/${name}`, import.meta.url).pathname;
  const child = fork(program, { env: { ...process.env, OPTIONS: JSON.stringify(options) }, execArgv: [] });
  onCleanup(() => child.kill('SIGKILL'));
  return { child, told: await answerOf(child) };
}

function ask<T>(child: ChildProcess, question: object): Promise<T> {
  const answer = answerOf(child);
  child.send(question);
  return answer as Promise<T>;
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const either = new AbortController();
  const { signal } = either;
  try {
    const [message] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => Promise.reject(new Error('The program has ended.'))),
    ])) as [unknown];
    return message;
  } finally {
    either.abort();
  }
}
