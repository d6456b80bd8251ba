import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { EchoController } from '../support/echo-app.js';
import { connectClient, startApp } from '../support/zmq-app.js';

const LEAST = { maxDepth: 1, maxTokens: 1 };

describe('limits of payloads', () => {
  it.each([
    ['a server', { ...LEAST, maxMetadataSize: 0, maxMessageSize: 64, maxBatchPackets: 1 }, {}],
    ['a client', {}, { ...LEAST, maxMessageSize: 64 }],
  ])('do not keep %s from a session, however low they are', async (_who, ofServer, ofClient) => {
    const { endpoint } = await startApp([EchoController], { server: { limits: ofServer } });
    const client = await connectClient(endpoint, { limits: ofClient });
    expect(await firstValueFrom(client.send('echo', 7))).toBe(7);
  });
});
