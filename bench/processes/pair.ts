import { createServer } from 'node:net';
import type { Scenario } from '../scenarios.js';
import type { Usage } from './messages.js';
import { Worker } from './worker.js';

const START_MS = 15_000;

let started = 0;

/** One peer's server process and client process, connected. */
export class Pair {
  private constructor(
    readonly server: Worker,
    readonly client: Worker,
  ) {}

  static async start(peer: string, kind: Scenario['kind']): Promise<Pair> {
    const topic = `${process.pid}-${started++}`;
    const pair = new Pair(Worker.fork('server', peer, topic), Worker.fork('client', peer, topic));
    try {
      const port = await freePort();
      await pair.server.ask({ task: 'serve', peer, port, kind }, START_MS);
      await pair.client.ask({ task: 'connect', peer, port }, START_MS);
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  async usage(): Promise<{ server: Usage; client: Usage }> {
    const [server, client] = await Promise.all(
      [this.server, this.client].map(worker => worker.ask<Usage>({ task: 'usage' }, START_MS)),
    );
    if (!server || !client) throw new Error('a process did not tell its usage');
    return { server, client };
  }

  async stop(): Promise<void> {
    await Promise.all([this.server.stop(), this.client.stop()]);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
