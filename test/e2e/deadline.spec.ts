import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { ZmqContext, ZmqRecordBuilder, type ClientZmq, type ServerZmq } from 'nestjs-zeromq';
import { type Observable, concat, firstValueFrom, lastValueFrom, map, of, timer, toArray } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, createClient, elapsed, startApp, until } from '../support/zmq-app.js';

interface Seen {
  readonly left: number | undefined;
}

interface Nested {
  readonly inherited: Seen;
  readonly shorter: Seen;
  readonly unlimited: Seen;
}

/** The client that handlers use for calls of their own. */
let inner: ClientZmq;
let reasons: unknown[] = [];
let nestedOutcomes: unknown[] = [];

function after(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

@Controller()
class DeadlineController {
  @MessagePattern('left')
  left(@Ctx() { deadline }: ZmqContext): Seen {
    return { left: deadline === undefined ? undefined : deadline - Date.now() };
  }

  @MessagePattern('hang')
  hang(@Ctx() { signal }: ZmqContext): Promise<void> {
    return new Promise(resolve => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        resolve();
      });
    });
  }

  @MessagePattern('nested')
  async nested(): Promise<Nested> {
    await after(100);
    return {
      inherited: await firstValueFrom(inner.send<Seen>('left', {})),
      shorter: await firstValueFrom(inner.send<Seen>('left', new ZmqRecordBuilder({}).setTimeout(50).build())),
      unlimited: await firstValueFrom(inner.send<Seen>('left', new ZmqRecordBuilder({}).setTimeout(0).build())),
    };
  }

  @MessagePattern('nested hang')
  async nestedHang(): Promise<void> {
    await firstValueFrom(inner.send('hang', {})).catch((error: unknown) => nestedOutcomes.push(error));
  }

  @MessagePattern('nested too late')
  async nestedTooLate(): Promise<void> {
    await after(150);
    await firstValueFrom(inner.send('left', {})).catch((error: unknown) => nestedOutcomes.push(error));
  }

  @MessagePattern('slow stream')
  slowStream(): Observable<string> {
    return concat(of('first'), timer(300).pipe(map(() => 'second')));
  }

  @MessagePattern('silent stream')
  silentStream(@Payload() ms: number): Observable<number> {
    return timer(ms);
  }
}

function withTimeout(ms: number, data: unknown = {}) {
  return new ZmqRecordBuilder(data).setTimeout(ms).build();
}

describe('the deadline of a request', () => {
  let server: ServerZmq;
  let endpoint: string;

  beforeEach(async () => {
    reasons = [];
    nestedOutcomes = [];
    ({ server, endpoint } = await startApp([DeadlineController]));
    inner = await connectClient(endpoint);
  });

  it('fails the request with DEADLINE_EXCEEDED and aborts the handler', async () => {
    const client = await connectClient(endpoint, { timeout: 100 });
    const took = await elapsed(() =>
      expect(firstValueFrom(client.send('hang', {}))).rejects.toMatchObject({
        name: 'ZmqException',
        code: 'DEADLINE_EXCEEDED',
        retryable: false,
      }),
    );
    expect(took).toBeGreaterThan(80);
    expect(took).toBeLessThan(500);
    await until(() => reasons.length === 1);
    expect((reasons[0] as { code: string }).code).toMatch(/^(DEADLINE_EXCEEDED|CANCELLED)$/);
    await until(() => server.getStats().running === 0);
  });

  it('is told to the handler as ctx.deadline', async () => {
    const client = await connectClient(endpoint, { timeout: 2_000 });
    const { left } = await firstValueFrom(client.send<Seen>('left', {}));
    expect(left).toBeGreaterThan(1_500);
    expect(left).toBeLessThanOrEqual(2_001);
  });

  it('can be set for one call, longer or shorter than that of the client', async () => {
    const client = await connectClient(endpoint, { timeout: 60 });
    const { left } = await firstValueFrom(client.send<Seen>('left', withTimeout(3_000)));
    expect(left).toBeGreaterThan(2_500);
    const took = await elapsed(() =>
      expect(lastValueFrom(client.send('silent stream', 5_000))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' }),
    );
    expect(took).toBeLessThan(500);
  });

  it('does not exist with a timeout of 0', async () => {
    const client = await connectClient(endpoint, { timeout: 0 });
    expect((await firstValueFrom(client.send<Seen>('left', {}))).left).toBeUndefined();
    const bounded = await connectClient(endpoint, { timeout: 50 });
    expect(await firstValueFrom(bounded.send('silent stream', withTimeout(0, 200)))).toBe(0);
  });

  it('bounds the time to the first value of a stream only', async () => {
    const client = await connectClient(endpoint, { timeout: 150 });
    await expect(lastValueFrom(client.send('slow stream', {}).pipe(toArray()))).resolves.toEqual(['first', 'second']);
    await expect(lastValueFrom(client.send('silent stream', 1_000))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });

  it('is inherited by requests that the handler makes, less what it has used up', async () => {
    const client = await connectClient(endpoint, { timeout: 2_000 });
    const { inherited, shorter, unlimited } = await firstValueFrom(client.send<Nested>('nested', {}));
    expect(inherited.left).toBeGreaterThan(1_000);
    expect(inherited.left).toBeLessThanOrEqual(1_901);
    expect(shorter.left).toBeLessThanOrEqual(51);
    expect(unlimited.left).toBeGreaterThan(1_000);
    expect(unlimited.left).toBeLessThanOrEqual(1_901);
  });

  it('is not inherited from a request that has none', async () => {
    const client = await connectClient(endpoint, { timeout: 0 });
    const { inherited, unlimited } = await firstValueFrom(client.send<Nested>('nested', {}));
    expect(inherited.left).toBeGreaterThan(29_000);
    expect(unlimited.left).toBeUndefined();
  });

  it('is not inherited by a client with inheritDeadline: false', async () => {
    inner = await connectClient(endpoint, { inheritDeadline: false });
    const client = await connectClient(endpoint, { timeout: 2_000 });
    const { inherited } = await firstValueFrom(client.send<Nested>('nested', {}));
    expect(inherited.left).toBeGreaterThan(29_000);
  });

  it('ends the nested request together with the outer one', async () => {
    const client = await connectClient(endpoint, { timeout: 150 });
    const took = await elapsed(() =>
      expect(firstValueFrom(client.send('nested hang', {}))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' }),
    );
    expect(took).toBeLessThan(600);
    await until(() => nestedOutcomes.length === 1);
    expect(nestedOutcomes[0]).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await until(() => reasons.length === 1);
  });

  it('refuses a nested request once it has passed, without sending it', async () => {
    const client = await connectClient(endpoint, { timeout: 60 });
    await expect(firstValueFrom(client.send('nested too late', {}))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await until(() => nestedOutcomes.length === 1);
    expect(nestedOutcomes[0]).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(server.getStats().requests).toBe(1);
  });

  it('counts the time that a request waits for a connection', async () => {
    const client = createClient('tcp://127.0.0.1:9', { timeout: 100 });
    const took = await elapsed(() =>
      expect(firstValueFrom(client.send('left', {}))).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' }),
    );
    expect(took).toBeLessThan(500);
  });
});
