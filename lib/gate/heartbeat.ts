import { encodePing } from '../zmtp/commands.js';
import type { FrameWriter } from './frame-writer.js';

/** Peers must not expect to be spoken to: one that only sends may hear nothing but the answers to its own heartbeats. */
const PING_TTL_DECISECONDS = 0;

export interface HeartbeatOptions {
  readonly writer: FrameWriter;
  readonly limits: () => { readonly heartbeatInterval: number; readonly heartbeatTimeout: number };
}

/** Asks a silent peer for a sign of life. Only those of ZMTP 3.1 know what is asked. */
export class Heartbeat {
  private lastHeard: number;
  private canAnswer = false;

  constructor(
    private readonly options: HeartbeatOptions,
    now: number,
  ) {
    this.lastHeard = now;
  }

  heard(now: number): void {
    this.lastHeard = now;
  }

  /** The handshake is over; the peer speaks this minor version of ZMTP 3. */
  start(minorVersion: number, now: number): void {
    this.canAnswer = minorVersion > 0;
    this.lastHeard = now;
  }

  /** Whether the peer lives, as far as its silence tells. */
  check(now: number): boolean {
    if (!this.canAnswer) {
      return true;
    }
    const { writer, limits } = this.options;
    const { heartbeatInterval, heartbeatTimeout } = limits();
    const silence = now - this.lastHeard;
    if (silence > heartbeatTimeout) {
      return false;
    }
    if (silence > heartbeatInterval && writer.queued === 0) {
      writer.raw(encodePing(PING_TTL_DECISECONDS));
    }
    return true;
  }
}
