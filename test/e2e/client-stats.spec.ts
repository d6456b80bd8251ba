import { lastValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import { EchoController } from '../support/echo-app.js';
import { rejectionOf } from '../support/rejection.js';
import { connectClient, createClient, startApp, until } from '../support/zmq-app.js';

const NOTHING = {
  pending: 0,
  retrying: 0,
  parked: 0,
  outboxPackets: 0,
  outboxBytes: 0,
  mostOutboxBytes: 0,
  refused: 0,
};

it('tells what waits in a client, the most that ever did, and what it has refused', async () => {
  const { endpoint } = await startApp([EchoController]);
  const client = await connectClient(endpoint, { limits: { maxPending: 2 } });
  expect(client.getStats()).toMatchObject({ pending: 0, refused: 0 });
  const answers = [1, 2].map(() => lastValueFrom(client.send('echo', 'x'.repeat(1_000))));
  const refused = await rejectionOf(lastValueFrom(client.send('echo', 'x')));
  expect(refused).toMatchObject({ code: 'BACKPRESSURE' });
  expect(client.getStats()).toMatchObject({ pending: 2, refused: 1 });
  await Promise.all(answers);
  const stats = client.getStats();
  expect(stats).toEqual({ ...NOTHING, refused: 1, mostOutboxBytes: stats.mostOutboxBytes });
  expect(stats.mostOutboxBytes).toBeGreaterThan(1_000);
  await client.close();
  expect(client.getStats()).toEqual(stats);
});

it('tells what waits for a connection, and what is refused there', async () => {
  const client = createClient('tcp://127.0.0.1:1', { limits: { outboxMessages: 1 }, connectTimeout: 60_000 });
  const answers = [1, 2].map(() => rejectionOf(lastValueFrom(client.send('echo', 'x'))));
  await until(() => client.getStats().refused === 1);
  expect(client.getStats()).toMatchObject({ pending: 1, parked: 1, retrying: 0, refused: 1 });
  await client.close();
  expect((await Promise.all(answers)).map(({ code }) => code)).toEqual(['DISCONNECTED', 'BACKPRESSURE']);
});
