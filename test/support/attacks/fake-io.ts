import type { CliIo } from '../../../lib/cli/cli-io.js';

/** What a command sees of the outside in a test, and what it has said to it. */
export class FakeIo implements CliIo {
  readonly isTTY = false;
  readonly signal: AbortSignal;
  stdout = '';
  stderr = '';

  constructor(signal: AbortSignal = new AbortController().signal) {
    this.signal = signal;
  }

  out(text: string): void {
    this.stdout += text;
  }

  err(text: string): void {
    this.stderr += text;
  }

  onReload(): void {
    // No test reloads.
  }
}
