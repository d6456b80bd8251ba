import { connect } from 'node:net';

/** A transport that takes part, and where it cannot. */
export interface PeerEntry {
  /** Its name on the command line and of its module in `peers/`. */
  readonly name: string;
  readonly label: string;
  /** A broker that must already run on this machine; the bench starts none. */
  readonly needs?: { readonly product: string; readonly port: number };
  /** Scenarios that the transport cannot do, with the reason. */
  readonly omits?: Readonly<Record<string, string>>;
  /** Takes part only when it is named. */
  readonly onRequest?: boolean;
}

export const OURS = 'ours';

const NOT_IN_JSON_MODE = {
  events: 'not measured in JSON mode',
  stream: 'not measured in JSON mode',
  'blob-64k': 'JSON mode has no bytes',
  'blob-1m': 'JSON mode has no bytes',
};

export const PEERS: readonly PeerEntry[] = [
  { name: OURS, label: 'nestjs-zeromq' },
  { name: 'tcp', label: 'Nest TCP' },
  {
    name: 'nats',
    label: 'Nest NATS',
    needs: { product: 'nats-server', port: 4222 },
    omits: { 'blob-1m': 'as JSON it is above the 1 MB that a NATS server takes by default' },
  },
  { name: 'redis', label: 'Nest Redis', needs: { product: 'redis-server', port: 6379 } },
  { name: 'grpc', label: 'Nest gRPC', omits: { events: 'gRPC has no events' } },
  { name: 'zeromq', label: 'bare zeromq.js' },
  { name: 'json-gate', label: 'gate, JSON', onRequest: true, omits: NOT_IN_JSON_MODE },
  { name: 'json-zeromq', label: 'libzmq, JSON', onRequest: true, omits: NOT_IN_JSON_MODE },
  { name: 'batch-gate', label: 'gate, batches', onRequest: true },
  { name: 'batch-zeromq', label: 'libzmq, batches', onRequest: true },
  { name: 'limited', label: 'all limits', onRequest: true },
  { name: 'guarded', label: 'RateLimitGuard', onRequest: true },
  { name: 'throttled', label: 'ThrottlerGuard', onRequest: true },
  { name: 'tls', label: 'mutual TLS', onRequest: true },
  { name: 'curve', label: 'CURVE', onRequest: true },
  { name: 'ruleless', label: 'no rule', onRequest: true },
  { name: 'allowed', label: '@AllowPeers', onRequest: true },
];

/** @returns why the peer cannot take part on this machine, or undefined. */
export async function absence({ needs }: PeerEntry): Promise<string | undefined> {
  if (!needs || (await answers(needs.port))) return undefined;
  return `no ${needs.product} on 127.0.0.1:${needs.port}`;
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
    const settle = (up: boolean) => () => {
      socket.destroy();
      resolve(up);
    };
    socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false));
  });
}
