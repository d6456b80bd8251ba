import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { PeerOrigin } from '../security/verdict.js';
import type { SendOutcome, ServerSocket, ServerSocketListener, SocketUsage } from '../socket/server-socket.js';

export interface CompositePart {
  readonly socket: ServerSocket;
  /** Which of all endpoints it binds, in its own order. */
  readonly bind: readonly number[];
}

/** Several engines as one. The first character of a peer's id tells which of them knows it. */
export class CompositeSocket implements ServerSocket {
  private readonly parts: readonly ServerSocket[];

  constructor(private readonly composed: readonly CompositePart[]) {
    this.parts = composed.map(({ socket }) => socket);
  }

  get endpoints(): readonly string[] {
    const found = this.composed.flatMap(({ socket, bind }) =>
      socket.endpoints.map((endpoint, at) => ({ endpoint, at: bind[at] })),
    );
    return found.sort((one, other) => (one.at ?? 0) - (other.at ?? 0)).map(({ endpoint }) => endpoint);
  }

  get usage(): SocketUsage {
    const total = { connections: 0, paused: 0, receivingBytes: 0 };
    for (const { usage } of this.parts) {
      total.connections += usage?.connections ?? 0;
      total.paused += usage?.paused ?? 0;
      total.receivingBytes += usage?.receivingBytes ?? 0;
    }
    return total;
  }

  async open(listener: ServerSocketListener): Promise<void> {
    const opened: ServerSocket[] = [];
    for (const [index, part] of this.parts.entries()) {
      try {
        await part.open(listenerOf(String.fromCharCode(index), listener));
      } catch (error) {
        await Promise.all(opened.map(other => other.close()));
        throw error;
      }
      opened.push(part);
    }
  }

  send(peerId: string, frames: Buffer[]): SendOutcome | Promise<SendOutcome> {
    return this.partOf(peerId)?.send(peerId.slice(1), frames) ?? 'gone';
  }

  disconnect(peerId: string, kind: ZmqViolationKind, figures?: ZmqViolation['figures']): void {
    this.partOf(peerId)?.disconnect(peerId.slice(1), kind, figures);
  }

  note(peerId: string, kind: ZmqViolationKind, figures?: ZmqViolation['figures']): void {
    this.partOf(peerId)?.note(peerId.slice(1), kind, figures);
  }

  pause(): void {
    for (const part of this.parts) {
      part.pause();
    }
  }

  resume(): void {
    for (const part of this.parts) {
      part.resume();
    }
  }

  review(holds: (origin: PeerOrigin) => boolean): void {
    for (const part of this.parts) {
      part.review?.(holds);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.parts.map(part => part.close()));
  }

  unwrap(): readonly unknown[] {
    return this.parts.map(part => part.unwrap());
  }

  private partOf(peerId: string): ServerSocket | undefined {
    return this.parts[peerId.charCodeAt(0)];
  }
}

function listenerOf(prefix: string, listener: ServerSocketListener): ServerSocketListener {
  const hex = Buffer.from(prefix, 'latin1').toString('hex');
  return {
    message: (peerId, frames, account, origin) => listener.message(prefix + peerId, frames, account, origin),
    peerGone: (peerId, why) => listener.peerGone(peerId === undefined ? undefined : prefix + peerId, why),
    violation: violation =>
      listener.violation?.({
        ...violation,
        peerId: violation.peerId === undefined ? undefined : hex + violation.peerId,
      }),
    failed: error => listener.failed(error),
  };
}
