import type { DeadlineWheel } from '../limits/deadline-wheel.js';
import type { Ledger } from '../limits/ledger.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { BodyBuffers } from '../zmtp/frame-reader.js';
import type { Connection } from './connection.js';
import type { HandshakeOptions } from './handshake.js';
import type { StashTotal } from './read-control.js';
import type { Turns } from './turns.js';

/** What connections share, and whom they tell. */
export interface ConnectionHost {
  readonly limits: ResolvedGateOptions;
  /** Bytes of one message. */
  readonly maxMessageBytes: number;
  readonly handshakeTimeout: number;
  readonly stallTimeout: number;
  readonly socketType: HandshakeOptions['socketType'];
  readonly ledger: Ledger;
  readonly wheel: DeadlineWheel;
  readonly turns: Turns;
  readonly stashes: StashTotal;
  readonly bodies: BodyBuffers;
  /** Addresses that have connections. */
  readonly addressCount: number;
  /** Whether nothing is to be delivered at the moment. */
  readonly isPaused: boolean;
  opened(connection: Connection): void;
  message(connection: Connection, frames: Buffer[]): void;
  /** Reads no more until the host unblocks it. */
  waitForHost(connection: Connection): void;
  /** Books a violation and says what is to be done about it. */
  violated(connection: Connection, kind: ZmqViolationKind, figures: ZmqViolation['figures']): ZmqViolation['action'];
  /** Books one for which nobody is shut out. */
  noted(connection: Connection, kind: ZmqViolationKind, figures: ZmqViolation['figures']): void;
  /** The connection has ended. `socket` is left to the host if it was the connection that ended it. */
  ended(connection: Connection, why: 'closed' | ZmqViolation['action']): void;
}
