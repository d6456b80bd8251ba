import type { GateServerSocket } from '../../lib/gate/gate-server-socket.js';
import type { PeerAccount } from '../../lib/limits/peer-account.js';
import { createGate, GateLog, type GateSettings } from './gate.js';

/** Sends every message back to where it came from, each peer's one after the other, and holds it until it has left. */
export class EchoLog extends GateLog {
  private readonly tails = new Map<string, Promise<unknown>>();
  private server: GateServerSocket | undefined;

  /** @param keeps whether messages are remembered */
  constructor(private readonly keeps: boolean) {
    super();
  }

  async openFor(server: GateServerSocket): Promise<void> {
    this.server = server;
    await server.open(this);
  }

  /** The peers that have sent something, each once. */
  get senders(): string[] {
    return [...new Set(this.messages.map(({ peerId }) => peerId))];
  }

  override message(peerId: string, frames: Buffer[], account: PeerAccount): void {
    if (this.keeps) {
      super.message(peerId, frames, account);
    } else {
      this.onMessage?.(peerId, frames, account);
    }
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    account.charge(bytes);
    const tail = this.tails.get(peerId) ?? Promise.resolve();
    const next = tail.then(() => this.server?.send(peerId, frames)).finally(() => account.release(bytes));
    this.tails.set(peerId, next);
  }
}

export interface Echo {
  readonly server: GateServerSocket;
  readonly log: EchoLog;
  readonly endpoint: string;
}

/** A gate that answers every message with itself. */
export async function openEcho(settings: GateSettings = {}, { keeps = true } = {}): Promise<Echo> {
  const server = createGate(settings);
  const log = new EchoLog(keeps);
  await log.openFor(server);
  return { server, log, endpoint: server.endpoints[0] as string };
}
