import { describe, expect, it } from 'vitest';
import type { ZmqViolation } from '../../../lib/limits/violation.js';
import { CompositeSocket } from '../../../lib/server/composite-socket.js';
import type { ServerSocket, ServerSocketListener } from '../../../lib/socket/server-socket.js';
import { GateLog } from '../../support/gate.js';

class FakeEngine implements ServerSocket {
  listener: ServerSocketListener | undefined;
  readonly log: string[] = [];
  failure: Error | undefined;

  constructor(
    readonly name: string,
    readonly endpoints: readonly string[],
  ) {}

  async open(listener: ServerSocketListener): Promise<void> {
    if (this.failure !== undefined) {
      throw this.failure;
    }
    this.listener = listener;
  }

  send(peerId: string): 'sent' {
    this.log.push(`send ${peerId}`);
    return 'sent';
  }

  disconnect(peerId: string, kind: string): void {
    this.log.push(`disconnect ${peerId} ${kind}`);
  }

  note(peerId: string, kind: string): void {
    this.log.push(`note ${peerId} ${kind}`);
  }

  pause(): void {
    this.log.push('pause');
  }

  resume(): void {
    this.log.push('resume');
  }

  async close(): Promise<void> {
    this.log.push('close');
  }

  unwrap(): string {
    return this.name;
  }
}

class CountingEngine extends FakeEngine {
  readonly usage = { connections: 3, paused: 2, receivingBytes: 40 };
}

async function setUp() {
  const gate = new CountingEngine('gate', ['tcp://h:1', 'tcp://i:2']);
  const router = new FakeEngine('router', ['ipc:///a', 'ipc:///b']);
  const composite = new CompositeSocket([
    { socket: gate, bind: [1, 3] },
    { socket: router, bind: [0, 2] },
  ]);
  const log = new GateLog();
  const seen: string[] = [];
  log.message = peerId => seen.push(peerId);
  await composite.open(log);
  return { gate, router, composite, log, seen };
}

describe('several engines as one', () => {
  it('list their endpoints in the order in which they were asked for', async () => {
    const { composite } = await setUp();
    expect(composite.endpoints).toEqual(['ipc:///a', 'tcp://h:1', 'ipc:///b', 'tcp://i:2']);
  });

  it('tell apart peers that have the same id in each', async () => {
    const { composite, gate, router, seen } = await setUp();
    gate.listener?.message('same', [], undefined);
    router.listener?.message('same', [], undefined);
    const [ofGate, ofRouter] = seen as [string, string];
    expect(ofGate).not.toBe(ofRouter);
    expect(await composite.send(ofRouter, [])).toBe('sent');
    composite.disconnect(ofGate, 'noise');
    composite.note(ofRouter, 'noise');
    expect(gate.log).toEqual(['disconnect same noise']);
    expect(router.log).toEqual(['send same', 'note same noise']);
  });

  it('know nothing of peers of no engine', async () => {
    const { composite } = await setUp();
    expect(await composite.send('xyz', [])).toBe('gone');
    expect(await composite.send('', [])).toBe('gone');
    composite.disconnect('xyz', 'noise');
    composite.note('', 'noise');
  });

  it('pass on who has gone and what was violated, with the id by which the peer is known outside', async () => {
    const { gate, router, log, seen } = await setUp();
    gate.listener?.message('peer', [], undefined);
    gate.listener?.peerGone('peer', 'noise');
    router.listener?.peerGone(undefined);
    const violation = {
      id: 'A23',
      kind: 'noise',
      peerId: '70656572',
      address: 'a',
      action: 'ban',
      count: 1,
      figures: {},
    };
    gate.listener?.violation?.(violation as ZmqViolation);
    gate.listener?.violation?.({ ...violation, peerId: undefined } as ZmqViolation);
    expect(log.gone).toEqual([
      { peerId: seen[0], why: 'noise' },
      { peerId: undefined, why: undefined },
    ]);
    const hex = Buffer.from(seen[0]!, 'latin1').toString('hex');
    expect(log.violations.map(({ peerId }) => peerId)).toEqual([hex, undefined]);
  });

  it('are paused, resumed, closed and unwrapped together', async () => {
    const { composite, gate, router } = await setUp();
    composite.pause();
    composite.resume();
    await composite.close();
    expect([gate.log, router.log]).toEqual([
      ['pause', 'resume', 'close'],
      ['pause', 'resume', 'close'],
    ]);
    expect(composite.unwrap()).toEqual(['gate', 'router']);
  });

  it('add up what they hold, as far as they can tell', async () => {
    const { composite } = await setUp();
    expect(composite.usage).toEqual({ connections: 3, paused: 2, receivingBytes: 40 });
  });

  it('are open all or none', async () => {
    const first = new FakeEngine('first', []);
    const second = new FakeEngine('second', []);
    second.failure = new Error('taken');
    const composite = new CompositeSocket([
      { socket: first, bind: [] },
      { socket: second, bind: [] },
    ]);
    await expect(composite.open(new GateLog())).rejects.toThrow('taken');
    expect(first.log).toEqual(['close']);
  });
});
