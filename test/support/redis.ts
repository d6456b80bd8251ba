import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { onCleanup } from './zmq-app.js';

/** The server that tests share; whoever uses it has a prefix of its own. */
const SHARED_URL = 'redis://127.0.0.1:6379';

let prefixes = 0;

/** A prefix that nobody else uses; its keys are deleted after the test. */
export function createPrefix(): string {
  const prefix = `test-${process.pid}-${Date.now()}-${prefixes++}`;
  onCleanup(async () => {
    const redis = new Redis(SHARED_URL);
    const keys = await redis.keys(`${prefix}*`);
    await Promise.all(keys.map(key => redis.del(key)));
    await redis.quit();
  });
  return prefix;
}

/** A client that is closed after the test. It looks for its server again and again, without a word. */
export function createRedis(url = SHARED_URL): Redis {
  const redis = new Redis(url, { retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  onCleanup(() => redis.disconnect());
  return redis;
}

/** The same, once it has found its server. */
export async function connectRedis(url = SHARED_URL): Promise<Redis> {
  const redis = createRedis(url);
  await once(redis, 'ready');
  return redis;
}

/** A Redis server in a process of its own, which a test may stop and start as it likes; it keeps nothing on disk. */
export class RedisProcess {
  private child: ChildProcess | undefined;

  private constructor(private readonly port: number) {}

  static async start(): Promise<RedisProcess> {
    const redis = new RedisProcess(await freePort());
    onCleanup(() => redis.kill());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const args = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes('Ready to accept connections')) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error('redis-server ended before it was ready.');
  }

  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** It keeps its connections, and answers nothing. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  private async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child !== undefined && child.exitCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
