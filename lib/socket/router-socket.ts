import { randomBytes } from 'node:crypto';
import { Router } from 'zeromq';
import { bindFailure } from '../errors/bind-failure.js';
import { GenerationMap } from '../limits/generation-map.js';
import { VIOLATION_IDS, type ZmqViolation, type ZmqViolationKind } from '../limits/violation.js';
import { ViolationReports } from '../limits/violation-reports.js';
import { networkOf, parseIpAddress } from '../options/ip-address.js';
import { publicIdOf } from '../security/public-id.js';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import type { AuthenticationFailure } from '../security/verdict.js';
import { ReceiveLoop } from './receive-loop.js';
import { isBound, untilUnbound } from './until-unbound.js';
import type { SendOutcome, ServerSocket, ServerSocketListener } from './server-socket.js';
import { ZapDecisions } from './zap-decisions.js';
import { zapHandler } from './zap-handler.js';
import { zeromqOptions } from './zeromq-options.js';
import { serverSecurity, type RouterSecurity } from './zeromq-security.js';

const DOMAIN_BYTES = 16;
/** Addresses of whom was refused that are kept apart in the reports. */
const MAX_ADDRESSES = 4_096;

export interface RouterSocketOptions {
  readonly bind: readonly string[];
  readonly maxMessageSize: number;
  readonly socket: ResolvedSocketOptions;
  /** @defaultValue anybody may connect, and messages have no origin */
  readonly security?: RouterSecurity | undefined;
}

/** {@link ServerSocket} on libzmq's ROUTER. */
export class RouterSocket implements ServerSocket {
  endpoints: readonly string[] = [];
  /** Out of sight: whoever prints all that it gives would keep us from reading its events. */
  readonly #router: Router;
  private readonly loop: ReceiveLoop;
  private readonly reports = new ViolationReports();
  private readonly refusals = new GenerationMap<ViolationReports>(MAX_ADDRESSES);
  /** Tells this socket from all others of the process in what libzmq asks. */
  private readonly domain = randomBytes(DOMAIN_BYTES).toString('hex');
  private listener: ServerSocketListener | undefined;
  private observed: Promise<void> | undefined;

  constructor(private readonly options: RouterSocketOptions) {
    const { bind, maxMessageSize, socket, security } = options;
    this.#router = new Router({
      ...zeromqOptions(socket, { maxMessageSize, endpoints: bind }),
      ...(security && serverSecurity(security, this.domain)),
      // Unroutable replies vanish silently otherwise.
      mandatory: true,
      // One peer that takes nothing must not hold up the replies of all others.
      sendTimeout: 0,
    });
    this.loop = new ReceiveLoop(this.#router, ([routingId, ...frames]) => {
      if (routingId !== undefined) {
        this.listener?.message(routingId.toString('latin1'), frames, undefined, security?.origin);
      }
    });
  }

  async open(listener: ServerSocketListener): Promise<void> {
    this.listener = listener;
    await this.enterZap();
    const bound: string[] = [];
    for (const endpoint of this.options.bind) {
      try {
        await assertFree(endpoint);
        await this.#router.bind(endpoint);
        bound.push(this.#router.lastEndpoint ?? endpoint);
      } catch (error) {
        this.endpoints = bound;
        await this.close();
        this.endpoints = [];
        throw bindFailure(endpoint, error);
      }
    }
    this.endpoints = bound;
    this.observed = this.observe().catch(() => undefined);
    void this.loop.run().catch((error: unknown) => {
      listener.failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async send(peerId: string, frames: Buffer[]): Promise<SendOutcome> {
    try {
      await this.#router.send([Buffer.from(peerId, 'latin1'), ...frames]);
      return 'sent';
    } catch (error) {
      if (this.#router.closed) {
        return 'closed';
      }
      // EHOSTUNREACH: the peer has left. Anything else than a full queue cannot be cured by waiting either.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? 'full' : 'gone';
    }
  }

  /** libzmq has no way to end one of a ROUTER's connections. */
  disconnect(peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures'] = {}): void {
    this.report({ peerId, kind, action: 'discard', figures });
  }

  note(peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures'] = {}): void {
    this.report({ peerId, kind, action: 'refuse', figures });
  }

  pause(): void {
    this.loop.pause();
  }

  resume(): void {
    this.loop.resume();
  }

  async close(): Promise<void> {
    this.#router.close();
    this.loop.resume();
    // The end of its events tells that a socket has let go of its names within the process. Unbinding those is not for
    // us: libzmq aborts now and then when the other end of a connection closes meanwhile.
    await this.observed;
    // libzmq frees an address some milliseconds after `close()`; whoever awaits ours may bind it again at once.
    await Promise.all(this.endpoints.map(untilUnbound));
    await zapHandler(this.options.socket.ioThreads).leave(this.domain);
  }

  unwrap(): Router {
    return this.#router;
  }

  /** Before anything is bound, or the first to come would be refused. */
  private async enterZap(): Promise<void> {
    const { security, socket } = this.options;
    if (security === undefined || (security.origin.mechanism === 'NULL' && security.authenticate === undefined)) {
      return;
    }
    const decisions = new ZapDecisions({
      origin: security.origin,
      authenticate: security.authenticate,
      // libzmq itself ends the connection at that time.
      deadline: socket.handshakeInterval,
      onRefused: (failure, address) => this.refused(failure, address),
      onFailed: error => this.listener?.failed(error),
    });
    await zapHandler(socket.ioThreads).enter(this.domain, decisions);
  }

  /** The one violation whose address libzmq tells. */
  private refused(reason: AuthenticationFailure, address: string | undefined): void {
    const network = address && networkText(address);
    const reports = this.refusals.get(network ?? '') ?? new ViolationReports();
    this.refusals.set(network ?? '', reports);
    const kind = 'not-authenticated';
    const count = reports.countOf(kind);
    if (count > 0) {
      const id = VIOLATION_IDS[kind];
      this.listener?.violation?.({
        id,
        kind,
        address: network,
        peerId: undefined,
        action: 'disconnect',
        count,
        figures: { reason },
      });
    }
  }

  private report({
    peerId,
    kind,
    action,
    figures,
  }: Pick<ZmqViolation, 'kind' | 'action' | 'figures'> & { readonly peerId: string }): void {
    const count = this.reports.countOf(kind);
    if (count > 0) {
      this.listener?.violation?.({
        id: VIOLATION_IDS[kind],
        kind,
        // libzmq does not tell it.
        address: undefined,
        peerId: publicIdOf(peerId),
        action,
        count,
        figures,
      });
    }
  }

  private async observe(): Promise<void> {
    for await (const event of this.#router.events) {
      if (event.type === 'disconnect') {
        this.listener?.peerGone(undefined);
      }
    }
  }
}

/** What to hold responsible: networks of IPv6 are given away in sizes of /64 and up. */
function networkText(address: string): string {
  const parsed = parseIpAddress(address);
  return parsed?.family === 'ipv6' ? `${networkOf(parsed, 64)}/64` : address;
}

/** libzmq replaces the file of an `ipc://` endpoint, and with it whoever listens there, without a word. */
async function assertFree(endpoint: string): Promise<void> {
  if (endpoint.startsWith('ipc://') && (await isBound(endpoint))) {
    throw Object.assign(new Error('Address already in use'), { code: 'EADDRINUSE' });
  }
}
