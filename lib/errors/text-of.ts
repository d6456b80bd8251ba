/** What can be said of anything that was thrown, even of what has no text. */
export function textOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'an error without text';
  }
}
