import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureContext } from 'node:tls';
import { systemClock } from '../../limits/clock.js';
import type { AttackGround, AttackOutcome, ConnectOptions, HandshakeOptions, TargetPatterns } from './attack.js';
import type { Caps } from './hard-caps.js';
import type { TargetTls } from './target.js';
import { contextOf } from './target-tls.js';
import { ProgressWatch, TICK_MS } from './progress-watch.js';
import { RawPeer, type RawPeerListener } from './raw-peer.js';
import { stopSwitch } from './stop-switch.js';

export interface AttackFieldOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TargetTls | undefined;
  readonly socketType: string;
  readonly patterns: TargetPatterns;
  readonly sources: readonly (string | undefined)[];
  readonly caps: Caps;
  readonly signal: AbortSignal;
}

/** {@link AttackGround} on real connections: opens them within the caps, keeps count, and closes what is left. */
export class AttackField implements AttackGround, RawPeerListener {
  readonly signal: AbortSignal;
  readonly patterns: TargetPatterns;
  private readonly open = new Set<RawPeer>();
  private readonly watch = new ProgressWatch(systemClock);
  private readonly ticker: NodeJS.Timeout;
  private readonly stop: AbortController;
  private readonly breaches = new Map<string, number>();
  private readonly tally = { opened: 0, joined: 0, failed: 0, closedByTarget: 0, bytesSent: 0, bytesReceived: 0 };
  private readonly secureContext: SecureContext | undefined;
  private pending = 0;

  constructor(private readonly options: AttackFieldOptions) {
    this.stop = stopSwitch(options.signal);
    this.signal = this.stop.signal;
    this.patterns = options.patterns;
    this.secureContext = options.tls && contextOf(options.tls);
    this.ticker = setInterval(() => this.watch.tick(), TICK_MS);
  }

  get sourceCount(): number {
    return this.options.sources.length;
  }

  /** What has been seen so far. */
  get outcome(): AttackOutcome {
    const { afterMs, evicted } = this.watch.verdict;
    return {
      ...this.tally,
      heldAfterMs: afterMs,
      evicted,
      openAtEnd: this.open.size,
      breaches: Object.fromEntries(this.breaches),
    };
  }

  dial(options?: ConnectOptions): Promise<RawPeer | undefined> {
    return this.reach(options, undefined);
  }

  connect(options?: ConnectOptions): Promise<RawPeer | undefined> {
    return this.reach(options, this.secureContext);
  }

  async join(options: HandshakeOptions = {}): Promise<RawPeer | undefined> {
    const peer = await this.connect(options);
    if (peer === undefined) {
      return undefined;
    }
    const { socketType = this.options.socketType, identity } = options;
    const joined = await peer.handshake({ socketType, ...(identity !== undefined && { identity }) });
    if (!joined) {
      peer.close();
      return undefined;
    }
    this.tally.joined += 1;
    this.progress();
    return peer;
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal }).catch(() => undefined);
  }

  progress(): void {
    this.watch.progress();
  }

  breach(what: string): void {
    this.breaches.set(what, (this.breaches.get(what) ?? 0) + 1);
  }

  /** Closes every connection; the outcome stays as it was. */
  leave(): AttackOutcome {
    clearInterval(this.ticker);
    const { outcome } = this;
    this.stop.abort();
    for (const peer of this.open) {
      peer.close();
    }
    return outcome;
  }

  mayWrite(bytes: number): boolean {
    return !this.signal.aborted && this.tally.bytesSent + bytes <= this.options.caps.bytes;
  }

  written({ joined }: RawPeer, bytes: number): void {
    this.tally.bytesSent += bytes;
    // Before the handshake is done, the kernel takes bytes for a target that may never look at them.
    if (joined) {
      this.progress();
    }
  }

  received(bytes: number): void {
    this.tally.bytesReceived += bytes;
  }

  closed(peer: RawPeer, byTarget: boolean): void {
    this.open.delete(peer);
    this.tally.closedByTarget += Number(byTarget);
    if (byTarget && this.open.size === 0 && this.pending === 0) {
      this.watch.evicted();
    }
  }

  private async reach(
    options: ConnectOptions = {},
    secureContext: SecureContext | undefined,
  ): Promise<RawPeer | undefined> {
    const { host, port, sources, caps } = this.options;
    if (this.signal.aborted || this.open.size + this.pending >= caps.openConnections) {
      return undefined;
    }
    if (this.tally.opened + this.tally.failed >= caps.totalConnections) {
      this.stop.abort();
      return undefined;
    }
    const localAddress = sources[(options.source ?? 0) % sources.length];
    this.pending += 1;
    const { readBytes } = options;
    const peer = await RawPeer.connect({ host, port, localAddress, readBytes, secureContext }, this);
    this.pending -= 1;
    if (peer === undefined) {
      this.tally.failed += 1;
      return undefined;
    }
    this.tally.opened += 1;
    this.open.add(peer);
    if (this.signal.aborted) {
      peer.close();
    }
    return peer;
  }
}
