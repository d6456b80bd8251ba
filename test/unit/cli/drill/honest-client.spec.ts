import { Router } from 'zeromq';
import { describe, expect, it } from 'vitest';
import { HonestClient, type HonestLoad } from '../../../../lib/cli/drill/honest-client.js';
import { onCleanup, until } from '../../../support/zmq-app.js';

const LOAD: HonestLoad = { rate: 200, bytes: 50, inFlight: 8 };

type Answer = (request: { id: string; data: string }) => object | undefined;

/** A service that answers every request as it is told; `answer` may be changed while it runs. */
async function serve(answer: Answer) {
  const router = new Router({ linger: 0 });
  onCleanup(() => router.closed || router.close());
  await router.bind('tcp://127.0.0.1:*');
  const service = { endpoint: router.lastEndpoint as string, answer, received: 0, close: () => router.close() };
  void (async () => {
    for await (const [peer, frame] of router) {
      service.received += 1;
      const request = JSON.parse(String(frame)) as { id: string; data: string };
      const reply = service.answer(request);
      if (reply !== undefined) {
        await router.send([peer as Buffer, JSON.stringify({ id: request.id, isDisposed: true, ...reply })]);
      }
    }
  })().catch(() => undefined);
  return service;
}

function createClient(endpoint: string, load: Partial<HonestLoad> = {}): HonestClient {
  const target = { host: '127.0.0.1', port: Number(endpoint.split(':').at(-1)) };
  const client = new HonestClient({ target, pattern: 'echo', load: { ...LOAD, ...load } });
  onCleanup(() => client.close());
  return client;
}

const echo: Answer = ({ data }) => ({ response: data });

describe('the honest client', () => {
  it('tells whether a target echoes', async () => {
    const service = await serve(echo);
    const client = createClient(service.endpoint);
    expect(await client.probe()).toBe(true);
    service.answer = () => ({ response: 'another' });
    expect(await client.probe()).toBe(false);
  });

  it('offers requests at its rate, and gets as many answers', async () => {
    const service = await serve(echo);
    const client = createClient(service.endpoint);
    client.begin();
    await until(() => service.received >= 100);
    const { goodput, answered, wrong, lost, refused, evictions } = await client.end();
    expect(answered).toBeGreaterThanOrEqual(95);
    expect(goodput).toBeGreaterThan(100);
    expect(goodput).toBeLessThan(210);
    expect({ wrong, lost, refused, evictions }).toEqual({ wrong: 0, lost: 0, refused: 0, evictions: 0 });
  });

  it('tells wrong answers and refusals apart', async () => {
    const answers: Answer[] = [echo, () => ({ response: 'no' }), () => ({ err: { code: 'OVERLOADED' } })];
    const service = await serve(request => answers[Number(request.id) % 3]?.(request));
    const client = createClient(service.endpoint);
    client.begin();
    await until(() => service.received >= 30);
    const { answered, wrong, refused } = await client.end();
    expect(Math.min(answered, wrong, refused)).toBeGreaterThanOrEqual(9);
  });

  it('has no more requests under way than it may, and gives up after five seconds', async () => {
    const service = await serve(() => undefined);
    const client = createClient(service.endpoint, { rate: 10_000, inFlight: 3 });
    client.begin();
    await until(() => service.received >= 3);
    expect(await client.end()).toMatchObject({ lost: 3, answered: 0 });
    expect(service.received).toBe(3);
  });

  it('counts a connection that ends, and the requests that it takes along, and comes back', async () => {
    const service = await serve(() => undefined);
    const client = createClient(service.endpoint);
    client.begin();
    await until(() => service.received >= 5);
    service.close();
    const { lost, evictions } = await client.end();
    expect(lost).toBeGreaterThanOrEqual(5);
    expect(evictions).toBeGreaterThanOrEqual(1);
  });
});
