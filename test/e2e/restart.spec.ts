import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { ZMQ_ERROR_CODES, type ClientZmq } from 'nestjs-zeromq';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUILD_TIMEOUT_MS, ensureBuild } from '../support/build.js';
import { EchoProcess } from '../support/echo-process.js';
import { runLoad } from '../support/load.js';
import { connectClient } from '../support/zmq-app.js';

const TIMEOUT = 10_000;

beforeAll(ensureBuild, BUILD_TIMEOUT_MS);

/** Resolves when the client has a session with `endpoint` (again). */
async function connected(client: ClientZmq, endpoint: string): Promise<void> {
  const events = new EventEmitter();
  client.on('connect', address => events.emit(address));
  await once(events, endpoint);
}

describe('a client whose servers come and go', () => {
  it('settles each of 100,000 requests exactly once over a server that is killed and started again', async () => {
    const first = await EchoProcess.start();
    const client = await connectClient(first.endpoint, { timeout: TIMEOUT });
    let restarted: Promise<EchoProcess> | undefined;
    const result = await runLoad(client, {
      requests: 100_000,
      inFlight: 1_000,
      onSettled: settled => {
        if (settled >= 30_000) {
          restarted ??= first.stop('SIGKILL').then(() => EchoProcess.start(first.endpoint));
        }
      },
    });
    await restarted;
    const failed = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
    expect(result.wrong).toBe(0);
    expect(result.responses + failed).toBe(100_000);
    expect(Object.keys(result.errors).filter(code => !(ZMQ_ERROR_CODES as readonly string[]).includes(code))).toEqual(
      [],
    );
    expect(result.errors.DISCONNECTED).toBeGreaterThan(0);
    // What was under way when the server was killed is lost; whatever came later waited for the new one.
    expect(failed).toBeLessThanOrEqual(1_000);
    expect(result.slowest).toBeLessThan(TIMEOUT + 1_000);
  }, 60_000);

  it('loses no request while both servers behind it are restarted one after the other', async () => {
    let servers = [await EchoProcess.start(), await EchoProcess.start()];
    const endpoints = servers.map(({ endpoint }) => endpoint);
    const client = await connectClient(endpoints, { timeout: TIMEOUT });
    let stopLoad = false;
    const load = (async () => {
      let responses = 0;
      while (!stopLoad) {
        const result = await runLoad(client, { requests: 2_000, inFlight: 200 });
        expect(result).toMatchObject({ errors: {}, wrong: 0 });
        responses += result.responses;
      }
      return responses;
    })();
    for (const [index, endpoint] of endpoints.entries()) {
      const back = connected(client, endpoint);
      await servers[index]?.stop('SIGTERM');
      servers = servers.with(index, await EchoProcess.start(endpoint));
      await back;
    }
    stopLoad = true;
    expect(await load).toBeGreaterThan(2_000);
  }, 60_000);
});
