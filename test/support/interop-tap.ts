import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readCommand, type Command } from '../../lib/zmtp/command.js';
import { FrameFlag } from '../../lib/zmtp/frame-header.js';
import { FrameReader } from '../../lib/zmtp/frame-reader.js';
import { GREETING_BYTES } from '../../lib/zmtp/greeting.js';
import { onCleanup, until } from './zmq-app.js';

export type TapSide = 'peer' | 'gate';

/** A line between peers and the gate on which every command can be heard, and that can fail them. */
export class Tap {
  readonly commands: (Command & { readonly from: TapSide })[] = [];
  /** Whether what those say who connect from now on gets lost. */
  isDeaf = false;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly port: number;

  private constructor(endpoint: string) {
    this.port = Number(/\d+$/.exec(endpoint)?.[0]);
    this.server = createServer(socket => this.join(socket));
    onCleanup(() => {
      this.server.close();
      this.hangUp();
    });
  }

  static async open(endpoint: string): Promise<Tap> {
    const tap = new Tap(endpoint);
    tap.server.listen(0, '127.0.0.1');
    await once(tap.server, 'listening');
    return tap;
  }

  get endpoint(): string {
    return `tcp://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  named(from: TapSide, name: string): Command[] {
    return this.commands.filter(command => command.from === from && command.name === name);
  }

  async untilNamed(from: TapSide, name: string, count: number): Promise<Command[]> {
    await until(() => this.named(from, name).length >= count, 10_000);
    return this.named(from, name);
  }

  /** Nothing passes any more between those who are connected, and nobody is told. */
  goDead(): void {
    for (const socket of this.sockets) {
      socket.pause();
    }
  }

  private hangUp(): void {
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  private join(peer: Socket): void {
    const gate = connect({ host: '127.0.0.1', port: this.port });
    this.pass('peer', peer, gate);
    this.pass('gate', gate, peer);
  }

  private pass(from: TapSide, source: Socket, target: Socket): void {
    const reader = this.listen(from);
    let greeting = GREETING_BYTES;
    this.sockets.add(source);
    source.setNoDelay();
    source.on('data', (chunk: Buffer) => {
      const start = Math.min(greeting, chunk.length);
      greeting -= start;
      reader.read(chunk, start, chunk.length);
      target.write(chunk);
    });
    // The end follows as 'close'.
    source.on('error', () => undefined);
    source.once('close', () => {
      this.sockets.delete(source);
      target.destroy();
    });
    if (this.isDeaf && from === 'peer') {
      source.pause();
    }
  }

  private listen(from: TapSide): FrameReader {
    return new FrameReader({
      begin: () => 'read',
      skipped: () => true,
      refuse: ({ code }) => {
        throw new Error(`The ${from} sent what is no frame: ${code}`);
      },
      frame: (flags, body) => {
        if ((flags & FrameFlag.Command) !== 0) {
          this.commands.push({ ...(readCommand(body) as Command), from });
        }
        return true;
      },
    });
  }
}
