import type { ByteBudget } from '../limits/byte-budget.js';
import type { Clock } from '../limits/clock.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { ResolvedSocketOptions } from '../options/socket-options.js';
import type { SocketType } from '../zmtp/socket-types.js';
import type { GateBind } from './door.js';
import type { ServerFactory } from './gate-listener.js';
import type { TlsReload } from './tls-handshakes.js';

/** Sizes and times that can be changed while the gate runs. */
export interface GateBounds {
  /** Bytes of one payload. */
  readonly maxMessageSize: number;
  /** Milliseconds after which a peer that takes no replies is given up. */
  readonly stallTimeout: number;
  /** Bytes of incomplete messages in all. */
  readonly receiving: number;
  /** Bytes that all of it may take together; garbage is collected early as it comes near. @defaultValue left to V8 */
  readonly memoryBudget?: number;
  /** Bytes held of a peer that does not take its replies, above which its requests are not read. @defaultValue 1 MiB */
  readonly backedUpWindow?: number;
}

export interface GateServerSocketOptions extends GateBounds {
  /** Where to listen: an endpoint alone is open for all who reach it. */
  readonly bind: readonly (string | GateBind)[];
  /** Bytes that a message may have beside one payload. @defaultValue 256 KiB */
  readonly messageOverhead?: number;
  readonly socket: ResolvedSocketOptions;
  readonly gate: ResolvedGateOptions;
  /** What the application holds, and connections cost; shared with whoever else charges it. */
  readonly budget: ByteBudget;
  /** What the gate is to its peers. @defaultValue 'ROUTER' */
  readonly socketType?: SocketType;
  /** Part of the connections that the memory and the descriptors of the process suffice for, where others share them. @defaultValue 1 */
  readonly share?: number;
  /** The files of a listener's TLS have changed. */
  readonly onTlsReloaded?: (listener: string, reload: TlsReload) => void;
  /** Makes the servers that accept connections. @defaultValue those of `node:net` */
  readonly createServer?: ServerFactory;
  readonly clock?: Clock;
}
