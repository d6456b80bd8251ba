import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern } from '@nestjs/microservices';
import { ZmqContext, type ServerZmq } from 'nestjs-zeromq';
import { Observable, firstValueFrom, take } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { connectClient, createClient, startApp, until } from '../support/zmq-app.js';

let calls: string[] = [];
let reasons: unknown[] = [];

@Controller()
class CancelController {
  @MessagePattern('wait')
  wait(@Ctx() { signal }: ZmqContext): Promise<string> {
    calls.push('wait');
    return new Promise(resolve => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason);
        resolve('nobody reads this');
      });
    });
  }

  @MessagePattern('late')
  async late(@Ctx() context: ZmqContext): Promise<string> {
    calls.push('late');
    await new Promise(resolve => setTimeout(resolve, 100));
    reasons.push(context.signal.aborted ? context.signal.reason : undefined);
    return 'late';
  }

  @MessagePattern('observable')
  observable(): Observable<number> {
    return new Observable(subscriber => {
      calls.push('subscribed');
      subscriber.next(1);
      return () => calls.push('unsubscribed');
    });
  }

  @MessagePattern('silent observable')
  silent(): Observable<number> {
    return new Observable(() => {
      calls.push('subscribed');
      return () => calls.push('unsubscribed');
    });
  }

  @MessagePattern('generator')
  async *generator(): AsyncGenerator<number> {
    try {
      for (let value = 0; ; value++) {
        yield value;
      }
    } finally {
      calls.push('finally');
    }
  }

  @MessagePattern('waiting generator')
  async *waiting(@Ctx() { signal }: ZmqContext): AsyncGenerator<number> {
    try {
      yield 1;
      await new Promise(resolve => signal.addEventListener('abort', resolve));
    } finally {
      calls.push('finally');
    }
  }

  @MessagePattern('promised observable')
  async promised(): Promise<Observable<number>> {
    calls.push('promised');
    await new Promise(resolve => setTimeout(resolve, 100));
    return this.observable();
  }

  @MessagePattern('quick')
  quick(): string {
    calls.push('quick');
    return 'done';
  }
}

describe('cancelling a request', () => {
  let server: ServerZmq;
  let endpoint: string;

  beforeEach(async () => {
    calls = [];
    reasons = [];
    ({ server, endpoint } = await startApp([CancelController]));
  });

  it('aborts the signal of a plain async handler when the caller unsubscribes', async () => {
    const client = await connectClient(endpoint);
    const subscription = client.send('wait', {}).subscribe();
    await until(() => calls.length === 1);
    subscription.unsubscribe();
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ name: 'ZmqException', code: 'CANCELLED' });
    await until(() => server.getStats().running === 0);
  });

  it('shows an aborted signal to a handler that asks for it only after the cancel', async () => {
    const client = await connectClient(endpoint);
    const subscription = client.send('late', {}).subscribe();
    await until(() => calls.length === 1);
    subscription.unsubscribe();
    await until(() => reasons.length === 1);
    expect(reasons[0]).toMatchObject({ code: 'CANCELLED' });
  });

  it('unsubscribes an Observable that the handler returned, silent or not', async () => {
    const client = await connectClient(endpoint);
    const silent = client.send('silent observable', {}).subscribe();
    await until(() => calls.includes('subscribed'));
    silent.unsubscribe();
    await until(() => calls.includes('unsubscribed'));

    calls = [];
    expect(await firstValueFrom(client.send('observable', {}))).toBe(1);
    await until(() => calls.includes('unsubscribed'));
    expect(calls).toEqual(['subscribed', 'unsubscribed']);
    await until(() => server.getStats().streams === 0);
  });

  it('never subscribes an Observable that a handler resolves to after the cancel', async () => {
    const client = await connectClient(endpoint);
    const subscription = client.send('promised observable', {}).subscribe();
    await until(() => calls.length === 1);
    subscription.unsubscribe();
    await until(() => server.getStats().running === 0);
    expect(calls).toEqual(['promised']);
  });

  it('ends an async generator and lets its finally block run', async () => {
    const client = await connectClient(endpoint);
    const values: number[] = [];
    await new Promise<void>(resolve => {
      client
        .send<number>('generator', {})
        .pipe(take(10))
        .subscribe({ next: value => values.push(value), complete: resolve });
    });
    expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await until(() => calls.includes('finally'));
    await until(() => server.getStats().streams === 0);
  });

  it('wakes a waiting async generator through the signal', async () => {
    const client = await connectClient(endpoint);
    expect(await firstValueFrom(client.send('waiting generator', {}))).toBe(1);
    await until(() => calls.includes('finally'));
  });

  it('does not send a request at all that is cancelled before it has left', async () => {
    const client = await connectClient(endpoint);
    client.send('quick', {}).subscribe().unsubscribe();
    expect(await firstValueFrom(client.send('quick', {}))).toBe('done');
    expect(calls).toEqual(['quick']);
    expect(server.getStats().requests).toBe(1);
  });

  it('does not send a request that is cancelled while the client connects', async () => {
    const client = createClient(endpoint);
    client.send('quick', {}).subscribe().unsubscribe();
    expect(await firstValueFrom(client.send('quick', {}))).toBe('done');
    expect(calls).toEqual(['quick']);
  });

  it('delivers nothing after the cancel, and counts it at the server', async () => {
    const client = await connectClient(endpoint);
    const outcomes: unknown[] = [];
    const subscription = client.send('wait', {}).subscribe({
      next: value => outcomes.push(value),
      error: error => outcomes.push(error),
      complete: () => outcomes.push('complete'),
    });
    await until(() => calls.length === 1);
    subscription.unsubscribe();
    await until(() => server.getStats().cancelled === 1);
    expect(await firstValueFrom(client.send('quick', {}))).toBe('done');
    expect(outcomes).toEqual([]);
  });

  it('leaves other requests of the same client alone', async () => {
    const client = await connectClient(endpoint);
    const cancelled = client.send('wait', {}).subscribe();
    const late = firstValueFrom(client.send('late', {}));
    await until(() => calls.length === 2);
    cancelled.unsubscribe();
    expect(await late).toBe('late');
    expect(reasons.filter(reason => reason !== undefined)).toHaveLength(1);
  });

  it('aborts what a client has under way when it closes', async () => {
    const client = await connectClient(endpoint);
    const outcome = firstValueFrom(client.send('wait', {})).catch((error: unknown) => error);
    await until(() => calls.length === 1);
    await client.close();
    expect(await outcome).toMatchObject({ code: 'DISCONNECTED' });
    await until(() => reasons.length === 1);
  });
});
