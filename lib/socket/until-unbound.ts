import { connect, type NetConnectOpts } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const ATTEMPTS = 200;
const INTERVAL_MS = 5;
const PROBE_MS = 500;

/** Resolves when nobody listens on a bound `tcp://` or `ipc://` endpoint any more, or after a second. */
export async function untilUnbound(endpoint: string): Promise<void> {
  const target = targetOf(endpoint);
  for (let attempt = 0; target !== undefined && attempt < ATTEMPTS; attempt++) {
    if (!(await isListening(target))) {
      return;
    }
    await delay(INTERVAL_MS);
  }
}

/** Whether somebody listens on an endpoint. */
export async function isBound(endpoint: string): Promise<boolean> {
  const target = targetOf(endpoint);
  return target !== undefined && (await isListening(target));
}

function targetOf(endpoint: string): NetConnectOpts | undefined {
  if (endpoint.startsWith('ipc://')) {
    return { path: endpoint.slice('ipc://'.length) };
  }
  const [, host = '', port = ''] = /^tcp:\/\/(.*):(\d+)$/.exec(endpoint) ?? [];
  if (port === '') {
    return undefined;
  }
  const address = host.replace(/^\[|\]$/g, '');
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address] ?? address;
  return { host: reachable, port: Number(port) };
}

function isListening(target: NetConnectOpts): Promise<boolean> {
  return new Promise(resolve => {
    const probe = connect(target);
    const settle = (listening: boolean) => {
      probe.destroy();
      resolve(listening);
    };
    probe.once('connect', () => settle(true)).once('error', () => settle(false));
    // Something on the way swallows the attempt, so it cannot tell anything.
    probe.setTimeout(PROBE_MS, () => settle(false));
  });
}
