import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Tells whoever started this process, a person or another program, that it can be reached now and where. */
export function announce(endpoint: string): void {
  console.log(`listening on ${endpoint}`);
  process.send?.(endpoint);
}

/** The endpoint that a child process announces; pending for as long as it does not. */
export async function announcedEndpoint(child: ChildProcess): Promise<string> {
  const [endpoint] = await once(child, 'message');
  return String(endpoint);
}
