/** What a command may do to the outside, so that tests can run commands without a process. */
export interface CliIo {
  /** Writes to standard output. A line end is added where the text has none. */
  out(text: string): void;
  /** Writes to standard error, likewise. */
  err(text: string): void;
  /** Whether a person is likely to watch standard output. */
  readonly isTTY: boolean;
  /** Aborted when the user or the system asks the program to stop. */
  readonly signal: AbortSignal;
  /** Calls back whenever the program is asked to read its configuration again (SIGHUP). */
  onReload(callback: () => void): void;
}
