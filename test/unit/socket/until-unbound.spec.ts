import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { untilUnbound } from '../../../lib/socket/until-unbound.js';
import { elapsed, onCleanup } from '../../support/zmq-app.js';

async function listen(target: { port: number; host: string } | { path: string }) {
  const server = createServer(socket => socket.destroy());
  await new Promise<void>(resolve => server.listen(target, resolve));
  onCleanup(() => server.close());
  return server;
}

describe('untilUnbound', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['::1', '[::1]'],
    ['::', '[::]'],
  ])('waits while somebody listens on %s', async (host, written) => {
    const server = await listen({ host, port: 0 });
    const { port } = server.address() as { port: number };
    let freed = false;
    setTimeout(() => {
      freed = true;
      server.close();
    }, 40);
    await untilUnbound(`tcp://${written}:${port}`);
    expect(freed).toBe(true);
  });

  it('waits while somebody listens on an ipc path', async () => {
    const path = join(tmpdir(), `unbound-${process.pid}.sock`);
    const server = await listen({ path });
    let freed = false;
    setTimeout(() => {
      freed = true;
      server.close();
    }, 40);
    await untilUnbound(`ipc://${path}`);
    expect(freed).toBe(true);
  });

  it('does not wait where nobody listens, nor for what is no network address', async () => {
    const time = await elapsed(async () => {
      await untilUnbound('tcp://127.0.0.1:1');
      await untilUnbound('ipc:///no/such/path');
      await untilUnbound('inproc://name');
    });
    expect(time).toBeLessThan(500);
  });

  it('gives up after a second or so when the address stays taken', async () => {
    const server = await listen({ host: '127.0.0.1', port: 0 });
    const { port } = server.address() as { port: number };
    const time = await elapsed(() => untilUnbound(`tcp://127.0.0.1:${port}`));
    expect(time).toBeGreaterThan(900);
    expect(time).toBeLessThan(5_000);
  });
});
