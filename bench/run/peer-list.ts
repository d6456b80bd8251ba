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
}

export const OURS = 'ours';

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
