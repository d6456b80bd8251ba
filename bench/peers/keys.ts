import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DIRECTORY = join(ROOT, 'bench/results/keys');

interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** Files of a certificate authority, a server and one client, made once. The server comes first, so they do not make them twice. */
export function certificates() {
  if (!existsSync(join(DIRECTORY, 'client-bench.key'))) {
    keygen('tls-dev', '--out', DIRECTORY, '--client', 'bench:bench', '--days', '3650');
  }
  const path = (name: string) => join(DIRECTORY, name);
  return {
    caFile: path('ca.pem'),
    server: { certFile: path('server.pem'), keyFile: path('server.key') },
    client: { certFile: path('client-bench.pem'), keyFile: path('client-bench.key') },
  };
}

/** Keys of CURVE, made once. */
export function curveKeys(): { readonly server: KeyPair; readonly client: KeyPair } {
  return { server: keyPair('curve-server.json'), client: keyPair('curve-client.json') };
}

function keyPair(name: string): KeyPair {
  const path = join(DIRECTORY, name);
  if (!existsSync(path)) {
    mkdirSync(DIRECTORY, { recursive: true });
    writeFileSync(path, keygen('curve', '--json'), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(path, 'utf8')) as KeyPair;
}

function keygen(...args: string[]): string {
  return execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'keygen', ...args], { encoding: 'utf8' });
}
