import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ZmqException } from '../../../lib/errors/zmq.exception.js';
import { PacketKind } from '../../../lib/wire/packet.js';
import { createOutbox, idEncoder, OVERHEAD, packetOf } from '../../support/outbox.js';

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

describe('Outbox', () => {
  it('sends packets that are pushed together as one message, in order', async () => {
    const { outbox, wire } = createOutbox();
    [1, 2, 3].forEach(id => outbox.push(packetOf(id)));
    expect(wire.messages).toEqual([]);
    await turn();
    expect(wire.messages).toEqual([[1, 2, 3]]);
    expect(outbox.idle).toBe(true);
  });

  it('sends a lone packet before the event loop turns', async () => {
    const { outbox, wire } = createOutbox();
    let turned = false;
    setImmediate(() => {
      turned = true;
    });
    outbox.push(packetOf(1));
    await new Promise<void>(resolve => process.nextTick(resolve));
    await new Promise<void>(resolve => process.nextTick(resolve));
    expect([wire.messages, turned]).toEqual([[[1]], false]);
  });

  it('gathers what comes while a message is under way, and sends it afterwards', async () => {
    const { outbox, wire } = createOutbox();
    wire.outcome = undefined;
    outbox.push(packetOf(1));
    await turn();
    [2, 3].forEach(id => outbox.push(packetOf(id)));
    await turn();
    expect(wire.messages).toEqual([[1]]);
    wire.last.settle('sent');
    await turn();
    expect(wire.messages).toEqual([[1], [2, 3]]);
  });

  it('does not wait for the end of a long run of pushes', () => {
    const { outbox, wire } = createOutbox();
    wire.outcome = undefined;
    range(1, 127).forEach(id => outbox.push(packetOf(id)));
    expect(wire.messages).toEqual([]);
    outbox.push(packetOf(128));
    expect(wire.messages).toEqual([range(1, 128)]);
  });

  it('splits what exceeds a message, and keeps the order over any number of messages', async () => {
    const { outbox, wire } = createOutbox({ encoder: idEncoder(7) });
    range(0, 99).forEach(id => outbox.push(packetOf(id)));
    for (let round = 0; round < 30; round++) {
      await turn();
    }
    expect(wire.messages.flat()).toEqual(range(0, 99));
    expect(Math.max(...wire.messages.map(({ length }) => length))).toBe(7);
  });

  it('tells each packet when it has left, and then its owner', async () => {
    const told: string[] = [];
    const { outbox, wire } = createOutbox({ onSent: () => told.push('sent') });
    wire.outcome = undefined;
    const packet = packetOf(1);
    packet.onSettled = failure => told.push(`settled ${failure?.code}`);
    outbox.push(packet);
    expect(packet.sent).toBe(false);
    await turn();
    expect([packet.sent, told]).toEqual([true, []]);
    wire.last.settle('sent');
    await turn();
    expect(told).toEqual(['settled undefined', 'sent']);
  });

  it('counts packets and bytes until they have been taken by the socket', async () => {
    const { outbox, wire, budget } = createOutbox();
    wire.outcome = undefined;
    outbox.push(packetOf(1, 100));
    outbox.push(packetOf(2, 50));
    // The budget counts garbage that is still to be collected as well.
    expect([outbox.length, outbox.bytes, budget.used]).toEqual([2, 150 + 2 * OVERHEAD, 2 * (150 + 2 * OVERHEAD)]);
    await turn();
    expect([outbox.length, outbox.bytes, outbox.idle]).toEqual([0, 150 + 2 * OVERHEAD, false]);
    wire.last.settle('sent');
    await turn();
    expect([outbox.bytes, budget.used, outbox.idle]).toEqual([0, 0, true]);
  });

  it('has room up to its limits of bytes and packets, and for any one packet when it is empty', () => {
    const { outbox, wire } = createOutbox({ maxBytes: 10 * OVERHEAD, maxPackets: 3 });
    wire.outcome = undefined;
    expect(outbox.hasRoom(1_000_000)).toBe(true);
    outbox.push(packetOf(1));
    expect([outbox.hasRoom(9 * OVERHEAD), outbox.hasRoom(9 * OVERHEAD + 1)]).toEqual([true, false]);
    outbox.push(packetOf(2));
    expect(outbox.hasRoom(1)).toBe(true);
    outbox.push(packetOf(3));
    expect(outbox.hasRoom(1)).toBe(false);
  });

  it('is overfull beyond twice its packets or twice its bytes', () => {
    const byPackets = createOutbox({ maxPackets: 2 }).outbox;
    range(1, 4).forEach(id => byPackets.push(packetOf(id)));
    expect(byPackets.isOverfull).toBe(false);
    byPackets.push(packetOf(5));
    expect(byPackets.isOverfull).toBe(true);
    const byBytes = createOutbox({ maxBytes: 1_000 }).outbox;
    byBytes.push(packetOf(1, 2_000 - OVERHEAD));
    expect(byBytes.isOverfull).toBe(false);
    byBytes.push(packetOf(2));
    expect(byBytes.isOverfull).toBe(true);
  });

  it('leaves out cancelled packets wherever they are, and gives their bytes back', async () => {
    for (const cancelled of [[1], [3], [5], [2, 4], [1, 2, 3], range(1, 5), [3, 4, 5]]) {
      const { outbox, wire, budget } = createOutbox();
      const packets = range(1, 5).map(id => packetOf(id, id));
      packets.forEach(packet => outbox.push(packet));
      cancelled.forEach(id => {
        packets[id - 1]!.cancelled = true;
      });
      await turn();
      expect(wire.messages.flat()).toEqual(range(1, 5).filter(id => !cancelled.includes(id)));
      expect([outbox.bytes, outbox.length, budget.used]).toEqual([0, 0, 0]);
      expect(packets.filter(({ sent }) => sent).map(({ id }) => id)).toEqual(wire.messages.flat());
    }
  });

  it('leaves out cancelled packets behind those that have left already', async () => {
    const { outbox, wire, budget } = createOutbox({ encoder: idEncoder(2) });
    wire.outcome = undefined;
    const packets = range(1, 8).map(id => packetOf(id));
    packets.forEach(packet => outbox.push(packet));
    await turn();
    [3, 5, 6].forEach(id => {
      packets[id - 1]!.cancelled = true;
    });
    wire.outcome = 'sent';
    wire.last.settle('sent');
    for (let round = 0; round < 5; round++) {
      await turn();
    }
    expect(wire.messages).toEqual([[1, 2], [4, 7], [8]]);
    expect(budget.used).toBe(0);
  });

  it('drops a great many cancelled packets at once', async () => {
    const { outbox, wire, budget } = createOutbox({ maxPackets: 200_000, maxBytes: 1e9 });
    wire.outcome = undefined;
    outbox.push(packetOf(1));
    await turn();
    // In front of the cancelled ones, so that they are not at the cheap end of the queue.
    outbox.push(packetOf(4));
    for (let count = 0; count < 100_000; count++) {
      const packet = packetOf(2);
      outbox.push(packet);
      packet.cancelled = true;
    }
    outbox.push(packetOf(3));
    wire.outcome = 'sent';
    const started = performance.now();
    wire.last.settle('sent');
    await turn();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(wire.messages).toEqual([[1], [4, 3]]);
    expect(budget.used).toBe(0);
  });

  it('holds a packet back, and all behind it, until it is admitted', async () => {
    let open = false;
    const { outbox, wire, budget } = createOutbox({ admit: ({ id }) => open || id !== 2 });
    const packets = range(1, 4).map(id => packetOf(id));
    packets.forEach(packet => outbox.push(packet));
    await turn();
    expect(wire.messages).toEqual([[1]]);
    expect(outbox.length).toBe(3);
    packets[2]!.cancelled = true;
    outbox.flush();
    await turn();
    expect(wire.messages).toEqual([[1]]);
    open = true;
    outbox.flush();
    await turn();
    expect(wire.messages).toEqual([[1], [2, 4]]);
    expect(budget.used).toBe(0);
  });

  it('goes on behind a packet that was held back once it is cancelled', async () => {
    const { outbox, wire } = createOutbox({ admit: ({ id }) => id !== 1 });
    const held = packetOf(1);
    [held, packetOf(2)].forEach(packet => outbox.push(packet));
    await turn();
    expect(wire.messages).toEqual([]);
    held.cancelled = true;
    outbox.flush();
    await turn();
    expect(wire.messages).toEqual([[2]]);
  });

  it('keeps a message that found the peer full, says so, and sends the same one on retry before all else', async () => {
    let full = 0;
    const { outbox, wire, budget } = createOutbox({ onFull: () => full++ });
    wire.outcome = 'full';
    [1, 2].forEach(id => outbox.push(packetOf(id)));
    await turn();
    outbox.push(packetOf(3));
    outbox.flush();
    await turn();
    expect([wire.messages, full, outbox.length, outbox.idle]).toEqual([[[1, 2]], 1, 3, false]);
    outbox.retry();
    await turn();
    expect([wire.messages, full]).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
      2,
    ]);
    wire.outcome = 'sent';
    outbox.retry();
    outbox.retry();
    await turn();
    await turn();
    expect(wire.messages).toEqual([[1, 2], [1, 2], [1, 2], [3]]);
    expect([outbox.idle, budget.used]).toEqual([true, 0]);
  });

  it('does nothing on retry when no message waits for one', async () => {
    const { outbox, wire } = createOutbox();
    outbox.retry();
    outbox.push(packetOf(1));
    outbox.retry();
    await turn();
    expect(wire.messages).toEqual([[1]]);
  });

  it.each(['gone', 'closed'] as const)(
    'tells its owner that the peer is %s, and keeps what did not leave',
    async outcome => {
      let gone = 0;
      const { outbox, wire, budget } = createOutbox({ onGone: () => gone++ });
      wire.outcome = outcome;
      [1, 2].forEach(id => outbox.push(packetOf(id)));
      await turn();
      expect([gone, outbox.length]).toEqual([1, 2]);
      expect(outbox.close()).toBe(2);
      expect(budget.used).toBe(0);
    },
  );

  it('takes a send that fails for a peer that has gone', async () => {
    let gone = 0;
    const { outbox, wire } = createOutbox({ onGone: () => gone++ });
    wire.outcome = undefined;
    outbox.push(packetOf(1));
    await turn();
    wire.last.reject(new Error('broken'));
    await turn();
    expect(gone).toBe(1);
  });

  it('fails what waits when it closes, and whatever is pushed afterwards', async () => {
    const failures: (ZmqException | undefined)[] = [];
    const { outbox, wire, budget } = createOutbox();
    const packets = [1, 2, 3].map(id => {
      const packet = packetOf(id);
      packet.onSettled = failure => failures.push(failure);
      return packet;
    });
    outbox.push(packets[0]!);
    outbox.push(packets[1]!);
    packets[1]!.cancelled = true;
    expect(outbox.close()).toBe(1);
    outbox.push(packets[2]!);
    await turn();
    expect(failures.map(failure => failure?.code)).toEqual(['DISCONNECTED', 'DISCONNECTED']);
    expect([wire.messages, outbox.length, budget.used]).toEqual([[], 0, 0]);
  });

  it.each([
    ['sent', undefined],
    ['full', 'DISCONNECTED'],
    ['gone', 'DISCONNECTED'],
    ['closed', 'DISCONNECTED'],
  ] as const)('closed while a message is under way, tells its packets the truth: %s', async (outcome, code) => {
    const told: string[] = [];
    const { outbox, wire, budget } = createOutbox({
      onGone: () => told.push('gone'),
      onFull: () => told.push('full'),
      onSent: () => told.push('sent'),
    });
    wire.outcome = undefined;
    const packet = packetOf(1);
    packet.onSettled = failure => told.push(`settled ${failure?.code}`);
    outbox.push(packet);
    await turn();
    expect(outbox.close()).toBe(0);
    wire.last.settle(outcome);
    await turn();
    expect(told).toEqual([`settled ${code}`]);
    expect(budget.used).toBe(0);
  });

  it('gives back what has not left, oldest first, without those that were cancelled', async () => {
    const { outbox, wire, budget } = createOutbox({ encoder: idEncoder(2) });
    wire.outcome = 'full';
    const packets = range(1, 5).map(id => packetOf(id));
    packets.forEach(packet => outbox.push(packet));
    await turn();
    packets[3]!.cancelled = true;
    expect(outbox.drain().map(({ id, sent }) => [id, sent])).toEqual([
      [1, true],
      [2, true],
      [3, false],
      [5, false],
    ]);
    expect([outbox.idle, budget.used]).toEqual([true, 0]);
    wire.outcome = 'sent';
    outbox.push(packetOf(9));
    await turn();
    expect(wire.last.ids).toEqual([9]);
  });

  it('may be closed by what it calls', async () => {
    const { outbox, wire, budget } = createOutbox({ onSent: () => outbox.close(), encoder: idEncoder(1) });
    const failures: unknown[] = [];
    [1, 2].forEach(id => {
      const packet = packetOf(id);
      packet.onSettled = failure => failures.push(failure?.code);
      outbox.push(packet);
    });
    await turn();
    await turn();
    expect([wire.messages, failures, budget.used]).toEqual([[[1]], [undefined, 'DISCONNECTED'], 0]);
  });

  it('charges the pattern and metadata of a packet, too', () => {
    const { outbox } = createOutbox();
    const packet = packetOf(1, 10);
    Object.assign(packet, { pattern: 'abc', metadata: '{"a":"b"}', kind: PacketKind.Request });
    outbox.push(packet);
    expect(outbox.bytes).toBe(OVERHEAD + 10 + 3 + 9);
  });
});
