import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Bulk, BulkReport, Frames, InteropPeer, PeerEvent, PeerLibrary, PeerOptions } from './interop-peer.js';
import { onCleanup } from './zmq-app.js';

const SCRIPT = fileURLToPath(new URL('../interop/gate_peers.py', import.meta.url));

interface Line {
  readonly call?: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly peer?: number;
  readonly event?: PeerEvent;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Peers on pyzmq, all in one process, which does one thing after the other. */
export class PyzmqPeers implements PeerLibrary {
  readonly name = 'pyzmq';
  private readonly calls = new Map<number, Waiting>();
  private readonly events = new Map<number, PeerEvent[]>();
  private child: ChildProcessWithoutNullStreams | undefined;
  private count = 0;

  start(): void {
    const child = spawn('/usr/bin/python3', [SCRIPT], { stdio: 'pipe' });
    this.child = child;
    child.stderr.pipe(process.stderr);
    // Told by the calls that fail.
    child.stdin.on('error', () => undefined);
    createInterface(child.stdout).on('line', line => this.read(JSON.parse(line) as Line));
    child.once('close', () => {
      for (const { reject } of this.calls.values()) {
        reject(new Error('The process with the peers has ended'));
      }
      this.calls.clear();
    });
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child !== undefined && child.exitCode === null) {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  }

  async open({ type, endpoint, routingId, plain, heartbeat, highWaterMark }: PeerOptions): Promise<InteropPeer> {
    const peer = ++this.count;
    const events: PeerEvent[] = [];
    this.events.set(peer, events);
    const options = {
      ...(routingId !== undefined && { routing_id: routingId }),
      ...(plain !== undefined && { plain_username: plain.username, plain_password: plain.password }),
      ...(heartbeat !== undefined && { heartbeat_ivl: heartbeat.interval, heartbeat_timeout: heartbeat.timeout }),
      ...(highWaterMark !== undefined && { sndhwm: highWaterMark, rcvhwm: highWaterMark }),
    };
    await this.call('open_peer', { peer, type, endpoint, options });
    let isOpen = true;
    const close = async () => {
      if (isOpen) {
        isOpen = false;
        await this.call('close', { peer });
      }
    };
    onCleanup(close);
    return {
      events,
      close,
      send: async (...messages: readonly Frames[]) => {
        await this.call('send', { peer, messages: messages.map(frames => frames.map(base64)) });
      },
      receive: async count => {
        const messages = (await this.call('receive', { peer, count })) as string[][];
        return messages.map(frames => frames.map(frame => Buffer.from(frame, 'base64')));
      },
      bulk: async (bulk: Bulk) => (await this.call('bulk', { peer, ...bulk })) as BulkReport,
    };
  }

  async crowd(endpoint: string, count: number): Promise<string[]> {
    return (await this.call('crowd', { endpoint, count })) as string[];
  }

  private call(name: string, args: object): Promise<unknown> {
    const call = ++this.count;
    return new Promise((resolve, reject) => {
      if (this.child === undefined || this.child.exitCode !== null) {
        reject(new Error('There is no process with peers'));
        return;
      }
      this.calls.set(call, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ call, do: name, ...args })}\n`);
    });
  }

  private read({ call, value, error, peer, event }: Line): void {
    if (peer !== undefined && event !== undefined) {
      this.events.get(peer)?.push(event);
      return;
    }
    const waiting = this.calls.get(call as number);
    this.calls.delete(call as number);
    if (error === undefined) {
      waiting?.resolve(value);
    } else {
      waiting?.reject(new Error(error));
    }
  }
}

function base64(frame: string | Buffer): string {
  return Buffer.from(frame as string).toString('base64');
}
