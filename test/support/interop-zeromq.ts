import { createHash, randomBytes } from 'node:crypto';
import { Dealer, Publisher, Push, Request, XPublisher } from 'zeromq';
import { Random } from '../fuzz/random.js';
import type { Bulk, BulkReport, Frames, InteropPeer, PeerEvent, PeerLibrary, PeerOptions } from './interop-peer.js';
import { onCleanup } from './zmq-app.js';

const WAIT_MS = 10_000;
const COMMON = { linger: WAIT_MS, sendTimeout: WAIT_MS, reconnectInterval: 50 };
/** Types that have no options for receiving. */
const SILENT: ReadonlySet<string> = new Set(['PUSH', 'PUB']);
const CLASSES = { DEALER: Dealer, REQ: Request, PUSH: Push, PUB: Publisher, XPUB: XPublisher };

export function sha1(body: Buffer): Buffer {
  return createHash('sha1').update(body).digest();
}

class ZeromqPeer implements InteropPeer {
  readonly events: PeerEvent[] = [];
  private readonly socket: Dealer | Request | Push | Publisher | XPublisher;

  constructor({ type, endpoint, routingId, plain, heartbeat, highWaterMark = 1_000 }: PeerOptions) {
    this.socket = new CLASSES[type]({
      ...COMMON,
      ...(!SILENT.has(type) && { receiveTimeout: WAIT_MS, receiveHighWaterMark: highWaterMark }),
      ipv6: endpoint.startsWith('tcp://['),
      ...(routingId !== undefined && { routingId }),
      ...(plain !== undefined && { plainUsername: plain.username, plainPassword: plain.password }),
      ...(heartbeat !== undefined && { heartbeatInterval: heartbeat.interval, heartbeatTimeout: heartbeat.timeout }),
      sendHighWaterMark: highWaterMark,
    });
    const { events } = this.socket;
    events.on('handshake', () => this.events.push('connected'));
    events.on('disconnect', () => this.events.push('disconnected'));
    for (const name of ['handshake:error:protocol', 'handshake:error:auth', 'handshake:error:other'] as const) {
      events.on(name, () => this.events.push('refused'));
    }
    onCleanup(() => this.close());
    this.socket.connect(endpoint);
  }

  async send(...messages: readonly Frames[]): Promise<void> {
    for (const frames of messages) {
      await this.socket.send([...frames]);
    }
  }

  async receive(count: number): Promise<Buffer[][]> {
    const received: Buffer[][] = [];
    while (received.length < count) {
      received.push(await this.next());
    }
    return received;
  }

  async bulk({ total, most, seed }: Bulk): Promise<BulkReport> {
    const dice = new Random(seed);
    const pool = randomBytes(2 * most);
    const awaited: Buffer[] = [];
    let sent = 0;
    const send = async () => {
      while (sent < total) {
        const size = awaited.length % 10 === 0 ? most : Math.floor(most ** (dice.below(1_000) / 1_000)) - 1;
        const at = dice.below(most);
        const body = pool.subarray(at, at + size);
        const checksum = sha1(body);
        awaited.push(checksum);
        sent += size;
        await this.socket.send([checksum, body]);
      }
    };
    const sending = send();
    let messages = 0;
    let wrong = 0;
    while (sent < total || messages < awaited.length) {
      const [checksum, body] = (await this.next()) as [Buffer, Buffer];
      wrong += checksum.equals(awaited[messages++] as Buffer) && sha1(body).equals(checksum) ? 0 : 1;
    }
    await sending;
    return { messages, bytes: sent, wrong };
  }

  async close(): Promise<void> {
    this.socket.close();
  }

  private next(): Promise<Buffer[]> {
    if (!('receive' in this.socket)) {
      throw new Error('This type of socket does not receive');
    }
    return this.socket.receive();
  }
}

/** Peers on zeromq.js, in this process. */
export const zeromqJs: PeerLibrary = {
  name: 'zeromq.js',
  async open(options) {
    return new ZeromqPeer(options);
  },
  async crowd(endpoint, count) {
    const peers = Array.from({ length: count }, () => new Dealer({ ...COMMON, receiveTimeout: WAIT_MS }));
    const answers = await Promise.all(
      peers.map(async (peer, number) => {
        peer.connect(endpoint);
        await peer.send(String(number));
        return String((await peer.receive())[0]);
      }),
    );
    for (const peer of peers) {
      peer.close();
    }
    return answers;
  },
};
