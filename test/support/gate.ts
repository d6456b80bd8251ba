import type { GateBind } from '../../lib/gate/door.js';
import type { GateServerSocketOptions } from '../../lib/gate/gate-server-options.js';
import { GateServerSocket } from '../../lib/gate/gate-server-socket.js';
import { ByteBudget } from '../../lib/limits/byte-budget.js';
import type { PeerAccount } from '../../lib/limits/peer-account.js';
import type { ZmqViolation, ZmqViolationKind } from '../../lib/limits/violation.js';
import { resolveFields } from '../../lib/options/fields.js';
import { gateOptions, type ZmqGateOptions } from '../../lib/options/gate-options.js';
import { SOCKET_FIELDS, type ZmqSocketOptions } from '../../lib/options/socket-options.js';
import type { PeerOrigin } from '../../lib/security/verdict.js';
import type { ServerSocketListener } from '../../lib/socket/server-socket.js';
import { onCleanup, until } from './zmq-app.js';

const MEBI = 1024 ** 2;
const ANY_PORT = 'tcp://127.0.0.1:*';

/** What a gate has told its listener, and what is to be done with each message. */
export class GateLog implements ServerSocketListener {
  readonly messages: {
    readonly peerId: string;
    readonly frames: readonly Buffer[];
    readonly account: PeerAccount;
    readonly origin: PeerOrigin | undefined;
  }[] = [];
  readonly violations: ZmqViolation[] = [];
  readonly gone: { readonly peerId: string; readonly why: ZmqViolationKind | undefined }[] = [];
  readonly failures: Error[] = [];
  onMessage: ((peerId: string, frames: Buffer[], account: PeerAccount) => void) | undefined;

  /** Of each message, its frames as text. */
  get texts(): string[][] {
    return this.messages.map(({ frames }) => frames.map(String));
  }

  get kinds(): ZmqViolationKind[] {
    return this.violations.map(({ kind }) => kind);
  }

  message(peerId: string, frames: Buffer[], account: PeerAccount, origin?: PeerOrigin): void {
    this.messages.push({ peerId, frames, account, origin });
    this.onMessage?.(peerId, frames, account);
  }

  peerGone(peerId: string, why?: ZmqViolationKind): void {
    this.gone.push({ peerId, why });
  }

  violation(violation: ZmqViolation): void {
    this.violations.push(violation);
  }

  failed(error: Error): void {
    this.failures.push(error);
  }

  /** The first violation of the kind, once there is one. */
  async untilViolation(kind: ZmqViolationKind, timeout?: number): Promise<ZmqViolation> {
    await until(() => this.kinds.includes(kind), timeout);
    return this.violations.find(violation => violation.kind === kind) as ZmqViolation;
  }
}

export interface GateSettings extends Partial<Omit<GateServerSocketOptions, 'gate' | 'socket' | 'budget' | 'bind'>> {
  readonly bind?: string | GateBind | readonly (string | GateBind)[];
  readonly gate?: ZmqGateOptions;
  readonly socket?: ZmqSocketOptions;
  /** Bytes that the application may hold. */
  readonly held?: number;
}

export function resolveGate(options?: ZmqGateOptions) {
  return gateOptions(options, 'gate');
}

/** A place to listen for peers of PLAIN, of whom those are let in that the test wants in. */
export function plainBind(isRight: (username: string, password: string) => boolean): GateBind {
  return {
    endpoint: ANY_PORT,
    mechanism: 'PLAIN',
    authenticate: ({ username = '', password = '' }) =>
      isRight(username, password)
        ? { admitted: true, identity: { name: username, roles: [] } }
        : { admitted: false, failure: 'unknown' },
  };
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** A gate that is not open yet. */
export function createGate({ bind = ANY_PORT, gate, socket, held, ...settings }: GateSettings = {}) {
  const server = new GateServerSocket({
    bind: isList(bind) ? bind : [bind],
    maxMessageSize: 64 * 1024,
    socket: resolveFields({ linger: 200, ...socket }, SOCKET_FIELDS, 'socket'),
    gate: resolveGate(gate),
    stallTimeout: 10_000,
    receiving: 16 * MEBI,
    budget: new ByteBudget(held ?? 48 * MEBI),
    ...settings,
  });
  onCleanup(() => server.close());
  return server;
}

export interface OpenGate {
  readonly server: GateServerSocket;
  readonly log: GateLog;
  readonly endpoint: string;
}

export async function openGate(settings: GateSettings = {}): Promise<OpenGate> {
  const server = createGate(settings);
  const log = new GateLog();
  await server.open(log);
  return { server, log, endpoint: server.endpoints[0] as string };
}

/** What a gate holds that it should not hold when nobody is connected. */
export function leftIn(server: GateServerSocket): object {
  return {
    connections: server.usage.connections,
    receiving: server.ledger.receiving.used,
    waiters: server.ledger.receiving.waiters,
    held: server.ledger.held.used,
    stashed: server.stashes.bytes,
    deadlines: server.wheel.size,
  };
}

export const NOTHING_LEFT = { connections: 0, receiving: 0, waiters: 0, held: 0, stashed: 0, deadlines: 0 };
