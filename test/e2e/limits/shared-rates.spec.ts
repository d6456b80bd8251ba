import { fork } from 'node:child_process';
import { ZmqRecordBuilder, type ClientZmq, type ZmqException, type ZmqServerOptions } from 'nestjs-zeromq';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../../support/build.js';
import { createPrefix, RedisProcess } from '../../support/redis.js';
import { ask } from '../../support/rejection.js';
import { connectClient, onCleanup, until } from '../../support/zmq-app.js';

const PROGRAM = new URL('../../support/programs/shared-rates.mjs', import.meta.url).pathname;
const POINTS = 200;
/** What comes back of a limit in ten minutes while a test runs. */
const RETURNED = 20;

type Engine = NonNullable<ZmqServerOptions['engine']>;

interface Service {
  readonly client: ClientZmq;
  /** What it has told of its store. */
  readonly isAway: boolean[];
}

async function startService(redis: RedisProcess, prefix: string, engine: Engine): Promise<Service> {
  const env = { ...process.env, URL: redis.url, PREFIX: prefix, ENGINE: engine, POINTS: String(POINTS) };
  const child = fork(PROGRAM, { env, execArgv: [] });
  onCleanup(() => child.kill('SIGKILL'));
  const isAway: boolean[] = [];
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('The service did not start.')));
    child.on('message', (message: { endpoint?: string; isAway?: boolean }) => {
      if (message.endpoint !== undefined) {
        resolve(message.endpoint);
      } else {
        isAway.push(message.isAway === true);
      }
    });
  });
  return { client: await connectClient(endpoint), isAway };
}

/** What everybody asks for. */
const HOT = 'hot';

/** Requests that were answered, and that were refused by the rate; whatever else becomes of one fails the test. */
class Tally {
  sent = 0;
  refused = 0;
  /** Requests for what is hot that were answered, */
  admitted = 0;
  /** and others. */
  answered = 0;

  async send({ client }: Service, key = HOT): Promise<void> {
    this.sent++;
    try {
      await ask(client, 'take', new ZmqRecordBuilder(1).setMetadata({ key }).build());
      if (key === HOT) {
        this.admitted++;
      } else {
        this.answered++;
      }
    } catch (error) {
      expect((error as ZmqException).code).toBe('RATE_LIMITED');
      this.refused++;
    }
  }
}

describe.each<Engine>(['gate', 'zeromq'])('two services in processes of their own, engine %s', engine => {
  beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

  it('share one limit', async () => {
    const redis = await RedisProcess.start();
    const prefix = createPrefix();
    const services = await Promise.all([0, 1].map(() => startService(redis, prefix, engine)));
    const tally = new Tally();
    await Promise.all(services.flatMap(service => Array.from({ length: POINTS }, () => tally.send(service))));
    expect(tally.admitted).toBe(POINTS);
    expect(tally.refused).toBe(POINTS);
  });

  it('answer every request while the store ends and comes back, and let through no more than it and they allow', async () => {
    const redis = await RedisProcess.start();
    const prefix = createPrefix();
    const services = await Promise.all([0, 1].map(() => startService(redis, prefix, engine)));
    const tally = new Tally();
    let isOver = false;
    const load = services.map(async service => {
      while (!isOver) {
        // The store is asked about those that are not known to be refused.
        await Promise.all([tally.send(service), tally.send(service), tally.send(service, `other-${tally.sent}`)]);
      }
    });
    await until(() => tally.sent > 100);
    await redis.stop();
    await until(() => services.every(({ isAway }) => isAway.at(-1) === true), 10_000);
    const { sent } = tally;
    await until(() => tally.sent > sent + 1_000, 10_000);
    await redis.start();
    await until(() => services.every(({ isAway }) => isAway.at(-1) === false), 20_000);
    isOver = true;
    await Promise.all(load);
    expect(tally.admitted + tally.answered + tally.refused).toBe(tally.sent);
    expect(tally.answered).toBeGreaterThan(0);
    // The store twice, as it has forgotten everything, and each process by itself.
    expect(tally.admitted).toBeLessThanOrEqual(4 * POINTS + RETURNED);
  }, 60_000);
});
