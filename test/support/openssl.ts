import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

const TIMEOUT_MS = 20_000;

/** Why `openssl` cannot be run here; `undefined` if it can. */
export function whyNoOpenssl(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe', timeout: TIMEOUT_MS });
    return undefined;
  } catch (error) {
    return (error as Error).message.trim();
  }
}

export interface ClientRun {
  /** What it printed of the connection. */
  readonly text: string;
  readonly exitCode: number;
}

/**
 * Connects with `openssl s_client`, which stays for `stay` ms and then leaves.
 *
 * @param args beside the port
 */
export async function sClient(endpoint: string, args: readonly string[], stay = 300): Promise<ClientRun> {
  const to = `127.0.0.1:${endpoint.split(':').at(-1)}`;
  const child = spawn('openssl', ['s_client', '-connect', to, ...args], { timeout: TIMEOUT_MS });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  const timer = setTimeout(() => child.stdin.end('Q\n'), stay);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { text: Buffer.concat(chunks).toString('latin1'), exitCode: code ?? -1 };
}
