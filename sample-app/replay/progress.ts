import cliProgress from 'cli-progress';

/** Shows how far a piece of work has come. */
export interface Progress {
  advance(): void;
  finish(): void;
}

/** A bar on a terminal; anywhere else, where a bar would fill the log, a line for each tenth of the work. */
export function createProgress(total: number, output: NodeJS.WriteStream): Progress {
  return output.isTTY ? new ProgressBar(total, output) : new ProgressLines(total, line => output.write(`${line}\n`));
}

class ProgressBar implements Progress {
  private readonly bar: cliProgress.SingleBar;

  constructor(total: number, stream: NodeJS.WriteStream) {
    const format = '{bar} {percentage} % | {value} of {total} readings | {eta_formatted} left';
    this.bar = new cliProgress.SingleBar({ format, stream }, cliProgress.Presets.shades_classic);
    this.bar.start(total, 0);
  }

  advance(): void {
    this.bar.increment();
  }

  finish(): void {
    this.bar.stop();
  }
}

const STEPS = 10;

export class ProgressLines implements Progress {
  private done = 0;

  constructor(
    private readonly total: number,
    private readonly print: (line: string) => void,
  ) {}

  advance(): void {
    const before = this.step();
    this.done += 1;
    if (this.step() > before) {
      this.print(`${(this.step() * 100) / STEPS} % | ${this.done} of ${this.total} readings`);
    }
  }

  finish(): void {
    // Every line is complete already.
  }

  private step(): number {
    return Math.floor((this.done * STEPS) / this.total);
  }
}
