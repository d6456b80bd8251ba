/** The command line is wrong. The message names the option; the program prints it and exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
