import { readFileSync } from 'node:fs';
import type { GateBind } from '../../lib/gate/door.js';
import { serverTlsOptions } from '../../lib/options/tls-options.js';
import { makeCertificates } from './dev-certificates.js';
import { openGate, type GateSettings, type OpenGate } from './gate.js';

/** What limits are tried on: they are the same on each. */
export const TRANSPORTS = ['tcp', 'tls'] as const;
export type Transport = (typeof TRANSPORTS)[number];

let pems: Promise<{ readonly cert: string; readonly key: string }> | undefined;

/** `openGate()` for a transport. Raw peers take any certificate. */
export function gateOver(transport: Transport): (settings?: Omit<GateSettings, 'bind'>) => Promise<OpenGate> {
  return async (settings = {}) => openGate({ bind: await bindOf(transport), ...settings });
}

/** Any port of the loopback address. */
export async function bindOf(transport: Transport, host = '127.0.0.1'): Promise<GateBind> {
  const endpoint = `${transport}://${host}:*`;
  return transport === 'tcp' ? { endpoint } : { endpoint, tls: serverTlsOptions(await (pems ??= makePems()), 'tls') };
}

async function makePems() {
  const { server, remove } = await makeCertificates();
  const made = { cert: readFileSync(server.cert, 'utf8'), key: readFileSync(server.key, 'utf8') };
  remove();
  return made;
}
