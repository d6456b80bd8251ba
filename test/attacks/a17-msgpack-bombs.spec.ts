import { unpack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { AttackedProcess } from '../support/attacks/attacked-process.js';
import { expectReported, untilMemoryIsBack } from '../support/attacks/expectations.js';
import { runAttack } from '../support/attacks/run-attack.js';

const OBJECTS = 900_000;

describe('A17, MessagePack that costs more to decode than to send', () => {
  it('is held', async () => {
    const victim = await AttackedProcess.victim();
    const report = await runAttack(victim, 'A17');
    expect(report.verdict.reasons).toEqual([]);
    expectReported(victim, 'A23');
    await untilMemoryIsBack(victim, report);
  });

  // Bare zeromq.js knows no MessagePack, so the decoder itself is what shows the harm.
  it('becomes twenty times its size in a decoder that believes it', () => {
    const header = Buffer.from([0xdd, 0, 0, 0, 0]);
    header.writeUInt32BE(OBJECTS, 1);
    const bomb = Buffer.concat([header, Buffer.alloc(OBJECTS, 0x80)]);
    const before = process.memoryUsage().heapUsed;
    const decoded = unpack(bomb) as readonly unknown[];
    const grown = process.memoryUsage().heapUsed - before;
    expect(decoded).toHaveLength(OBJECTS);
    expect(grown).toBeGreaterThan(20 * bomb.length);
  });
});
