import { Controller } from '@nestjs/common';
import { Ctx, EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Concurrency, ZmqContext, ZmqModule, type ServerZmq, type ZmqServerOptions } from 'nestjs-zeromq';
import { createGate, startApp, type Gate, type ZmqApp } from './zmq-app.js';

export const ENGINES = ['gate', 'zeromq'] as const;

/** What handlers of the application below have done since it was started. */
export const work = {
  begun: [] as unknown[],
  running: 0,
  mostRunning: 0,
  gate: createGate() as Gate,
};

async function during(id: unknown, wait: Promise<unknown>): Promise<void> {
  work.begun.push(id);
  work.running++;
  work.mostRunning = Math.max(work.mostRunning, work.running);
  await wait;
  work.running--;
}

export interface Task {
  readonly id: number;
  readonly ms?: number;
  readonly fill?: string;
}

@Controller()
class PlacesController {
  @MessagePattern('timed')
  @Concurrency(3, { queue: 1_000 })
  async timed(@Payload() { id, ms = 1 }: Task): Promise<number> {
    await during(id, new Promise(resolve => setTimeout(resolve, ms)));
    return id;
  }

  @EventPattern('timed event')
  @Concurrency(2, { queue: 1_000 })
  async timedEvent(@Payload() { id, ms = 1 }: Task): Promise<void> {
    await during(id, new Promise(resolve => setTimeout(resolve, ms)));
  }

  /** Runs until the test opens the gate, or the caller gives up. */
  @MessagePattern('held')
  @Concurrency(1, { queue: 2 })
  async held(@Payload() { id }: Task, @Ctx() { signal }: ZmqContext): Promise<number> {
    const aborted = new Promise(resolve => signal.addEventListener('abort', resolve));
    await during(id, Promise.race([work.gate.opened, aborted]));
    return id;
  }

  @EventPattern('held event')
  @Concurrency(1, { queue: 2 })
  async heldEvent(@Payload() { id }: Task): Promise<void> {
    await during(id, work.gate.opened);
  }

  @MessagePattern('alone')
  @Concurrency(1)
  async alone(@Payload() { id }: Task): Promise<number> {
    await during(id, work.gate.opened);
    return id;
  }

  @MessagePattern('stream')
  @Concurrency(1, { queue: 10 })
  async *stream(@Payload() { id }: Task, @Ctx() { signal }: ZmqContext): AsyncGenerator<number> {
    work.begun.push(id);
    yield id;
    await new Promise(resolve => signal.addEventListener('abort', resolve));
  }

  @MessagePattern('throws')
  @Concurrency(1, { queue: 100_000 })
  throws(@Payload() { id }: Task): never {
    work.begun.push(id);
    throw new Error('at once');
  }

  @MessagePattern('rejects')
  @Concurrency(1, { queue: 1_000 })
  async rejects(@Payload() { id }: Task): Promise<never> {
    work.begun.push(id);
    await new Promise(resolve => setImmediate(resolve));
    throw new Error('later');
  }

  /** The first call waits for the gate, all others fail at once. */
  @MessagePattern('first held')
  @Concurrency(1, { queue: 100_000 })
  firstHeld(@Payload() { id }: Task): unknown {
    work.begun.push(id);
    if (id === 0) {
      return work.gate.opened;
    }
    throw new Error('at once');
  }

  @MessagePattern('free')
  free(@Payload() { id }: Task): number {
    return id;
  }
}

/** Handlers with places and queues of their own. */
export function startPlaces(server: ZmqServerOptions): Promise<ZmqApp> {
  Object.assign(work, { begun: [], running: 0, mostRunning: 0, gate: createGate() });
  const options = { drainTimeout: 50, ...server };
  return startApp([PlacesController], { server: options, imports: [ZmqModule.forRoot({ validation: false })] });
}

export function statsOf(server: ServerZmq, pattern: string) {
  const stats = server.getStats().handlers[pattern];
  if (stats === undefined) {
    throw new Error(`There are no figures of '${pattern}'`);
  }
  return stats;
}
