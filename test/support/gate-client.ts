import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Context, Reply, type Router } from 'zeromq';
import { GateClientSocket, type GateClientSocketOptions } from '../../lib/gate/gate-client-socket.js';
import { resolveFields } from '../../lib/options/fields.js';
import { SOCKET_FIELDS } from '../../lib/options/socket-options.js';
import { encodeReady } from '../../lib/zmtp/commands.js';
import { encodeFrame, FrameFlag } from '../../lib/zmtp/frame-header.js';
import { encodeGreeting } from '../../lib/zmtp/greeting.js';
import { ClientLog } from './sockets.js';
import { onCleanup, until } from './zmq-app.js';

export interface GateClientSettings extends Partial<Omit<GateClientSocketOptions, 'endpoint' | 'socket'>> {
  readonly socket?: object;
}

export function createGateClient(endpoint: string, { socket, ...settings }: GateClientSettings = {}) {
  const client = new GateClientSocket({
    endpoint,
    maxMessageSize: 1024,
    socket: resolveFields({ linger: 0, ...socket }, SOCKET_FIELDS, 'socket'),
    ...settings,
  });
  onCleanup(() => client.close(0));
  return client;
}

export function openGateClient(endpoint: string, settings: GateClientSettings = {}) {
  const client = createGateClient(endpoint, settings);
  const log = new ClientLog();
  client.open(log);
  return { client, log };
}

/** A server that writes and reads plain bytes. */
export interface RawTcpServer {
  readonly endpoint: string;
  /** Connections in the order in which they came. */
  readonly sockets: readonly Socket[];
  /** All bytes of the first connection so far. */
  readonly received: () => Buffer;
  readonly connection: () => Promise<Socket>;
}

export async function startRawTcpServer(
  onConnection: (socket: Socket) => void = () => undefined,
  { reads = true, host = '127.0.0.1' } = {},
): Promise<RawTcpServer> {
  const sockets: Socket[] = [];
  const chunks: Buffer[] = [];
  const server = createServer({ pauseOnConnect: !reads }, socket => {
    socket.on('error', () => undefined);
    if (reads) {
      socket.on('data', chunk => socket === sockets[0] && chunks.push(chunk));
    }
    sockets.push(socket);
    onConnection(socket);
  });
  await new Promise<void>(resolve => server.listen(0, host, resolve));
  onCleanup(() => {
    for (const socket of sockets) {
      socket.destroy();
    }
    server.close();
  });
  const { port, family, address } = server.address() as AddressInfo;
  return {
    endpoint: `tcp://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    sockets,
    received: () => Buffer.concat(chunks),
    connection: async () => {
      await until(() => sockets.length > 0);
      return sockets[0] as Socket;
    },
  };
}

export const GREETING = encodeGreeting({ mechanism: 'NULL', asServer: false });
export const PLAIN_GREETING = encodeGreeting({ mechanism: 'PLAIN', asServer: true });
export const READY = encodeReady({ 'Socket-Type': 'ROUTER' });
export const HANDSHAKE = Buffer.concat([GREETING, READY]);

/** A message as it crosses the wire. */
export function messageBytes(...frames: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    frames.map((frame, index) =>
      encodeFrame(
        index < frames.length - 1 ? FrameFlag.More : 0,
        typeof frame === 'string' ? Buffer.from(frame) : frame,
      ),
    ),
  );
}

export interface Zap {
  /** The context whose servers ask, each test with its own: an `inproc://` name gets free only some time after closing. */
  readonly context: Context;
  /** The user names that were asked about. */
  readonly asked: readonly string[];
}

/** Answers what libzmq asks about user names and passwords (ZAP, RFC 27). */
export async function startZap(judge: (user: string, password: string) => boolean): Promise<Zap> {
  const context = new Context({ blocky: false });
  const asked: string[] = [];
  const zap = new Reply({ linger: 0, context });
  await zap.bind('inproc://zeromq.zap.01');
  onCleanup(() => zap.close());
  const serve = async () => {
    for await (const [version, requestId, , , , , user, password] of zap) {
      const isRight = judge(String(user), String(password));
      asked.push(String(user));
      const status = isRight ? ['200', 'OK'] : ['400', 'no'];
      await zap.send([version as Buffer, requestId as Buffer, ...status, '', '']);
    }
  };
  void serve().catch(() => undefined);
  return { context, asked };
}

/** Sends everything back to where it came from, until the router is closed. */
export function echo(router: Router): void {
  const serve = async () => {
    for await (const message of router) {
      await router.send(message);
    }
  };
  void serve().catch(() => undefined);
}
