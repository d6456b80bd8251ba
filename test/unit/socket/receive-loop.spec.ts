import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ReceiveLoop } from '../../../lib/socket/receive-loop.js';

/** A socket with messages that the test puts into it. */
class FakeReceiver {
  closed = false;
  asked = 0;
  private readonly messages: Buffer[][] = [];
  private waiting: { resolve: (message: Buffer[]) => void; reject: (error: Error) => void } | undefined;

  put(...texts: readonly string[]): void {
    this.messages.push(...texts.map(text => [Buffer.from(text)]));
    this.give();
  }

  receive(): Promise<Buffer[]> {
    this.asked++;
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.give();
    });
  }

  fail(error: Error): void {
    this.waiting?.reject(error);
  }

  close(): void {
    this.closed = true;
    this.waiting?.reject(new Error('Socket is closed'));
  }

  private give(): void {
    const { waiting } = this;
    const message = waiting === undefined ? undefined : this.messages.shift();
    if (waiting !== undefined && message !== undefined) {
      this.waiting = undefined;
      waiting.resolve(message);
    }
  }
}

function setUp() {
  const socket = new FakeReceiver();
  const delivered: string[] = [];
  const loop = new ReceiveLoop(socket, message => delivered.push(String(message[0])));
  return { socket, delivered, loop };
}

describe('ReceiveLoop', () => {
  it('delivers in order until the socket closes', async () => {
    const { socket, delivered, loop } = setUp();
    const running = loop.run();
    socket.put('a', 'b');
    await turn();
    socket.put('c');
    await turn();
    socket.close();
    await running;
    expect(delivered).toEqual(['a', 'b', 'c']);
  });

  it('reads nothing while it is paused, beyond what it had asked for', async () => {
    const { socket, delivered, loop } = setUp();
    const running = loop.run();
    loop.pause();
    socket.put('asked for', 'later', 'last');
    await turn();
    await turn();
    expect([delivered, socket.asked]).toEqual([['asked for'], 1]);
    loop.resume();
    await turn();
    expect(delivered).toEqual(['asked for', 'later', 'last']);
    socket.close();
    await running;
  });

  it('stays paused when it is resumed and paused again before it could go on', async () => {
    const { socket, delivered, loop } = setUp();
    loop.pause();
    const running = loop.run();
    socket.put('a');
    await turn();
    loop.resume();
    loop.pause();
    loop.pause();
    await turn();
    expect([delivered, socket.asked]).toEqual([[], 0]);
    loop.resume();
    await turn();
    expect(delivered).toEqual(['a']);
    socket.close();
    await running;
  });

  it('ends when the socket is closed while it is paused, once it is resumed', async () => {
    const { socket, loop } = setUp();
    loop.pause();
    const running = loop.run();
    await turn();
    socket.close();
    loop.resume();
    await running;
    expect(socket.asked).toBe(0);
  });

  it('rejects when receiving fails while the socket is open', async () => {
    const { socket, loop } = setUp();
    const running = loop.run();
    socket.fail(new Error('no more descriptors'));
    await expect(running).rejects.toThrow('no more descriptors');
  });

  it('lets the event loop turn while messages keep coming', async () => {
    let left = 1_000_000;
    let deliveredAtTurn = 0;
    let delivered = 0;
    const endless = {
      closed: false,
      receive: () => {
        endless.closed = --left === 0 || deliveredAtTurn > 0;
        return Promise.resolve([Buffer.alloc(0)]);
      },
    };
    setImmediate(() => {
      deliveredAtTurn = delivered;
    });
    await new ReceiveLoop(endless, () => delivered++).run();
    expect(deliveredAtTurn).toBeGreaterThan(0);
    expect(left).toBeGreaterThan(0);
  });
});
