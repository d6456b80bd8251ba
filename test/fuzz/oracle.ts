import { setTimeout } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { FuzzTarget } from './fuzz-target.js';

/** Longest time for one input. */
const MAX_MS = 10;
/** A machine has other things to do, and collections happen: only what is so again and again is a failure. */
const TRIES = 8;
const PAUSE_MS = 10;

interface Cost {
  readonly ms: number;
  readonly bytes: number;
}

/**
 * Runs one input.
 *
 * @throws what the target throws, or an error that says by how much it was too slow or took too much memory
 */
export async function check(target: FuzzTarget, data: Buffer): Promise<void> {
  const most = target.allocation.base + target.allocation.factor * data.length;
  let cost = await measure(target, data);
  for (let tries = 1; tries < TRIES && (cost.ms > MAX_MS || cost.bytes > most); tries++) {
    await setTimeout(PAUSE_MS * tries);
    const { ms, bytes } = await measure(target, data);
    cost = { ms: Math.min(cost.ms, ms), bytes: Math.min(cost.bytes, bytes) };
  }
  if (cost.ms > MAX_MS) {
    throw new Error(`${data.length} bytes took ${cost.ms.toFixed(1)} ms`);
  }
  if (cost.bytes > most) {
    throw new Error(`${data.length} bytes made it allocate ${cost.bytes}, more than ${most}`);
  }
}

async function measure({ fuzz }: FuzzTarget, data: Buffer): Promise<Cost> {
  // Nothing may depend on what happens to the input afterwards.
  const input = Buffer.from(data);
  const before = memory();
  const start = performance.now();
  const cpu = process.cpuUsage();
  const pending = fuzz(input);
  if (pending !== undefined) {
    await pending;
  }
  const { user, system } = process.cpuUsage(cpu);
  // The clock goes on while others have the processor, and the time of the processor counts that of the collector.
  const ms = Math.min(performance.now() - start, (user + system) / 1000);
  return { ms, bytes: memory() - before };
}

function memory(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}
