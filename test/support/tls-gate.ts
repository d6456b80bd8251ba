import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GateBind } from '../../lib/gate/door.js';
import { GateClientSocket } from '../../lib/gate/gate-client-socket.js';
import type { TlsReload } from '../../lib/gate/tls-handshakes.js';
import { resolveFields } from '../../lib/options/fields.js';
import { SOCKET_FIELDS } from '../../lib/options/socket-options.js';
import {
  clientTlsOptions,
  serverTlsOptions,
  type ZmqClientTlsOptions,
  type ZmqServerTlsOptions,
} from '../../lib/options/tls-options.js';
import type { LossCode } from '../../lib/socket/client-socket.js';
import { openGate, type GateSettings, type OpenGate } from './gate.js';
import { onCleanup } from './zmq-app.js';

export interface TlsGate extends OpenGate {
  readonly reloads: readonly TlsReload[];
}

export interface TlsGateSettings extends Omit<GateSettings, 'bind' | 'onTlsReloaded'> {
  readonly tls: ZmqServerTlsOptions;
  readonly bind?: Partial<GateBind>;
}

/** A gate behind TLS, on any port. Files are looked at when the test says so. */
export async function openTlsGate({ tls, bind, ...settings }: TlsGateSettings): Promise<TlsGate> {
  const reloads: TlsReload[] = [];
  const resolved = serverTlsOptions({ reloadInterval: 0, ...tls }, 'tls');
  const opened = await openGate({
    bind: { endpoint: 'tls://127.0.0.1:*', tls: resolved, ...bind },
    onTlsReloaded: (_, reload) => reloads.push(reload),
    ...settings,
  });
  return { ...opened, reloads };
}

/** What became of a client that wanted in. */
export interface Entered {
  readonly isIn: boolean;
  readonly client: GateClientSocket;
  /** Why it was not let in, or is not in any more. */
  readonly loss: { readonly reason: string; readonly code: LossCode | undefined } | undefined;
  /** What came, as text. */
  readonly messages: readonly string[];
}

/** Tries to get in with a client of this library. */
export function enter(endpoint: string, tls: ZmqClientTlsOptions, socket: object = {}): Promise<Entered> {
  const messages: string[] = [];
  return new Promise(resolve => {
    const entered = { isIn: false, loss: undefined as Entered['loss'], messages, client: undefined as never };
    const client = new GateClientSocket({
      endpoint,
      maxMessageSize: 64 * 1024,
      socket: resolveFields({ linger: 0, ...socket }, SOCKET_FIELDS, 'socket'),
      tls: clientTlsOptions(tls, 'tls'),
      onOpened: () => {
        entered.isIn = true;
        resolve(entered);
      },
    });
    Object.assign(entered, { client });
    onCleanup(() => client.close(0));
    client.open({
      message: frames => messages.push(frames.map(String).join('|')),
      lost: (reason, code) => {
        entered.loss = { reason, code };
        resolve(entered);
      },
    });
  });
}

/** Files that a test writes anew; those with `key` in their names are kept from others. */
export class TestFiles {
  private readonly dir = mkdtempSync(join(tmpdir(), 'zmq-test-files-'));

  constructor() {
    onCleanup(() => rmSync(this.dir, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  write(texts: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(texts)) {
      writeFileSync(this.path(name), text, { mode: name.includes('key') ? 0o600 : 0o644 });
    }
  }
}
