import type { Socket } from 'node:net';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';

class Stuck extends Expiring {
  constructor(
    readonly socket: Socket,
    private readonly tarpit: Tarpit,
  ) {
    super();
  }

  override expire(): void {
    this.tarpit.release(this);
  }
}

/**
 * Connections that are left open without an answer for a while. A peer whose connection is closed comes back at once;
 * one that is kept waiting does not, and costs no more than its descriptor.
 */
export class Tarpit {
  private readonly stuck = new Set<Stuck>();

  constructor(
    private readonly wheel: DeadlineWheel,
    private readonly limits: () => { readonly tarpitTime: number; readonly maxTarpit: number },
  ) {}

  get size(): number {
    return this.stuck.size;
  }

  add(socket: Socket): void {
    const { tarpitTime, maxTarpit } = this.limits();
    const [oldest] = this.stuck;
    if (this.stuck.size >= maxTarpit) {
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      this.release(oldest);
    }
    const stuck = new Stuck(socket, this);
    this.stuck.add(stuck);
    socket.pause();
    socket.once('close', () => {
      this.stuck.delete(stuck);
      this.wheel.remove(stuck);
    });
    socket.on('error', () => undefined);
    this.wheel.add(stuck, tarpitTime);
  }

  release(stuck: Stuck): void {
    this.stuck.delete(stuck);
    this.wheel.remove(stuck);
    stuck.socket.destroy();
  }

  clear(): void {
    for (const stuck of this.stuck) {
      this.release(stuck);
    }
  }
}
