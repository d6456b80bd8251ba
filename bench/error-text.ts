/** @returns one line for a report, whatever was thrown; remote errors are often plain objects. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === 'string' ? error : JSON.stringify(error);
}
