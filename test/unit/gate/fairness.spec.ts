import { describe, expect, it } from 'vitest';
import { messageBytes, RawZmtp } from '../../support/raw-zmtp.js';
import { gateOver, TRANSPORTS } from '../../support/transports.js';
import { until } from '../../support/zmq-app.js';

const HONEST = '127.0.0.2';

/** Sends without end, as fast as it is taken. */
function flood({ socket }: RawZmtp, bytes: Buffer): void {
  const write = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

describe.each(TRANSPORTS)('floods of tiny messages from several connections of one address, over %s', transport => {
  const openGate = gateOver(transport);

  it('delay another address by a few slices only', async () => {
    const { server, log, endpoint } = await openGate();
    const honest = await RawZmtp.open(endpoint, { localAddress: HONEST });
    const floods = await Promise.all([1, 2, 3, 4, 5, 6].map(() => RawZmtp.open(endpoint)));
    let flooded = 0;
    log.message = (peerId, frames) => {
      if (frames[0]?.length === 1) {
        flooded++;
      } else {
        void server.send(peerId, frames);
      }
    };
    const tiny = Buffer.concat(Array.from({ length: 20_000 }, () => messageBytes('x')));
    floods.forEach(client => flood(client, tiny));
    await until(() => flooded > 100_000);
    const delays: number[] = [];
    for (let count = 1; count <= 40; count++) {
      const start = performance.now();
      honest.send('honest');
      await new Promise<void>(resolve => {
        const look = () => (honest.messages.length >= count ? resolve() : void setImmediate(look));
        look();
      });
      delays.push(performance.now() - start);
    }
    floods.forEach(({ socket }) => socket.destroy());
    // Each of the two processes in one here has its part in it: a round of the gate has 4 ms.
    expect(median(delays)).toBeLessThan(50);
    expect(log.violations).toEqual([]);
  });

  it('are all delivered, each in its order', async () => {
    const { server, log, endpoint } = await openGate();
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawZmtp.open(endpoint)));
    const count = 20_000;
    const all = Buffer.concat(Array.from({ length: count }, (_, index) => messageBytes(String(index))));
    clients.forEach(client => client.write(all));
    await until(() => log.messages.length === 4 * count, 10_000);
    const expected = Array.from({ length: count }, (_, index) => String(index));
    for (const peerId of new Set(log.messages.map(message => message.peerId))) {
      const own = log.messages.filter(message => message.peerId === peerId);
      expect(own.map(({ frames }) => String(frames[0]))).toEqual(expected);
    }
    expect(server.stashes.bytes).toBe(0);
  });

  it('let timers run in between', async () => {
    const { log, endpoint } = await openGate();
    const client = await RawZmtp.open(endpoint);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    client.write(Buffer.concat(Array.from({ length: 300_000 }, () => messageBytes('x'))));
    last = performance.now();
    await until(() => log.messages.length === 300_000, 10_000);
    clearInterval(timer);
    expect(longest).toBeLessThan(100);
  });
});
