import type { Socket } from 'node:net';
import type { Clock } from '../limits/clock.js';
import { Expiring, type DeadlineWheel } from '../limits/deadline-wheel.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import { addressKey, exactAddress, type Address, type Addresses } from './addresses.js';
import type { Admission } from './admission.js';
import type { Door } from './door.js';
import { Entry, type Arrival } from './entry.js';
import { HandshakeQueue } from './handshake-queue.js';
import type { Tarpit } from './tarpit.js';
import type { TlsHandshakes } from './tls-handshakes.js';
import type { Violations } from './violations.js';

export interface EntranceOptions {
  readonly addresses: Addresses;
  readonly admission: Admission;
  readonly violations: Violations;
  readonly tarpit: Tarpit;
  readonly clock: Clock;
  readonly wheel: DeadlineWheel;
  readonly now: () => number;
  readonly limits: () => ResolvedGateOptions;
  /** Milliseconds for the handshakes of TLS and ZMTP together, and for waiting for one's turn before. */
  readonly handshakeTimeout: number;
  /** Takes a connection that may begin with ZMTP. */
  readonly enter: (arrival: Arrival) => void;
  /** Ends what a banned address has open. */
  readonly shutOut: (address: Address) => void;
}

/** Why a handshake of TLS has not come about. */
const NO_TURN = 'no turn';
const TOO_SLOW = 'ERR_TLS_HANDSHAKE_TIMEOUT';
const BROKEN_OFF = 'broken off';

/** A connection that was admitted and has not finished its TLS handshake. */
class Unsecured extends Expiring {
  private why = NO_TURN;

  constructor(
    private readonly onLate: (why: string) => void,
    /** It is given up, for which its peer is not to blame. */
    readonly onDropped: () => void,
  ) {
    super();
  }

  /** It has its turn. */
  begun(): void {
    this.why = TOO_SLOW;
  }

  override expire(): void {
    this.onLate(this.why);
  }
}

/** Judges connections before a byte of them is read, and sees them through TLS. */
export class Entrance {
  /** Connections that have been admitted and have not ended, */
  connections = 0;
  /** and what they cost. */
  connectionBytes = 0;
  /** Those of them that have not finished the handshakes. */
  halfOpen = 0;
  private readonly queue: HandshakeQueue;
  private readonly unsecured = new Set<Unsecured>();

  constructor(private readonly options: EntranceOptions) {
    const { clock, now, limits } = options;
    this.queue = new HandshakeQueue({ clock, now, rate: () => limits().handshakeRate });
  }

  adjust(): void {
    this.queue.adjust();
  }

  accept(socket: Socket, door: Door): void {
    const { addresses, violations, tarpit, admission, limits, now } = this.options;
    const remote = socket.remoteAddress;
    if (remote === undefined) {
      // It has left already.
      socket.destroy();
      return;
    }
    const exact = exactAddress(remote);
    const address = addresses.find(addressKey(remote));
    if (!door.addresses.admits(exact)) {
      this.refuse(socket, address, 'address-denied', { reason: door.name });
      return;
    }
    if (violations.isBanned(address)) {
      tarpit.add(socket);
      return;
    }
    const refusal = admission.judge({ address, cost: door.cost }, this, limits(), now());
    if (refusal !== undefined) {
      this.refuse(socket, address, refusal.kind, refusal.figures);
      return;
    }
    addresses.enter(address);
    address.halfOpen++;
    this.halfOpen++;
    this.connections++;
    this.connectionBytes += door.cost;
    if (door.tls === undefined) {
      const { enter, handshakeTimeout: timeLeft } = this.options;
      enter({ accepted: socket, owner: address, entry: new Entry(door, exact, undefined), timeLeft });
    } else {
      this.secure(socket, address, { door, exact, tls: door.tls });
    }
  }

  /** The handshakes of a connection are over. */
  opened(address: Address): void {
    this.halfOpen--;
    address.halfOpen--;
  }

  /** A connection has ended. */
  left(address: Address, door: Door, wasOpen: boolean): void {
    if (!wasOpen) {
      this.opened(address);
    }
    this.connections--;
    this.connectionBytes -= door.cost;
    this.options.addresses.leave(address);
  }

  close(): void {
    this.queue.close();
    for (const unsecured of this.unsecured) {
      unsecured.onDropped();
    }
  }

  private secure(
    socket: Socket,
    address: Address,
    { door, exact, tls }: { readonly door: Door; readonly exact: string; readonly tls: TlsHandshakes },
  ): void {
    const { wheel, now, handshakeTimeout, enter } = this.options;
    let isOver = false;
    const over = () => {
      const isFirst = !isOver;
      isOver = true;
      wheel.remove(pending);
      this.unsecured.delete(pending);
      leaveQueue();
      return isFirst;
    };
    const drop = () => {
      const isFirst = over();
      if (isFirst) {
        this.left(address, door, false);
        socket.destroy();
      }
      return isFirst;
    };
    const fail = (code: string | undefined) => {
      // Whoever has said nothing may have looked whether there is somebody at all.
      const reason = code ?? (socket.bytesRead > 0 ? BROKEN_OFF : undefined);
      if (drop() && reason !== undefined) {
        this.punish(address, reason);
      }
    };
    const pending = new Unsecured(fail, drop);
    this.unsecured.add(pending);
    wheel.add(pending, handshakeTimeout);
    socket.on('error', () => undefined);
    socket.once('close', () => fail(undefined));
    let leaveQueue: () => unknown = () => undefined;
    leaveQueue = this.queue.add(address, () => {
      pending.begun();
      wheel.add(pending, handshakeTimeout);
      tls.begin(socket, {
        failed: fail,
        dropped: drop,
        secured: encrypted => {
          const timeLeft = Math.max(1, pending.expiresAt - now());
          if (over()) {
            const entry = new Entry(door, exact, encrypted.socket);
            enter({ accepted: encrypted, owner: address, entry, timeLeft });
          } else {
            encrypted.socket.destroy();
          }
        },
      });
    });
  }

  private punish(address: Address, reason: string): void {
    const { violations, shutOut } = this.options;
    if (reason === NO_TURN) {
      // There were too many of them, for which it is not to blame alone.
      violations.note('handshake-timeout', 'disconnect', { address, figures: { reason } });
      return;
    }
    const kind = reason === TOO_SLOW ? 'handshake-timeout' : 'tls-handshake';
    const action = violations.punish(kind, { address, figures: { reason }, isGone: true });
    if (action === 'ban') {
      shutOut(address);
    }
  }

  private refuse(socket: Socket, address: Address, kind: ZmqViolationKind, figures: ZmqViolation['figures']): void {
    // Whoever comes too often is kept waiting instead of being sent away, only to come again.
    const isTooFast = kind === 'accept-rate';
    this.options.violations.note(kind, isTooFast ? 'tarpit' : 'disconnect', { address, figures });
    if (isTooFast) {
      this.options.tarpit.add(socket);
    } else {
      socket.destroy();
    }
  }
}
