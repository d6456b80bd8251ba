import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, RpcException } from '@nestjs/microservices';
import { firstValueFrom, from, lastValueFrom, Observable, of } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { RawPeer } from '../../support/raw-peer.js';
import { connectClient, startApp, until } from '../../support/zmq-app.js';

@Controller()
class FragileController {
  @MessagePattern('echo')
  echo(data: unknown): unknown {
    return data;
  }

  @MessagePattern('fragile')
  fragile(): Observable<number> {
    return new Observable(subscriber => {
      subscriber.next(1);
      return () => {
        throw new Error('the clean-up failed');
      };
    });
  }

  @MessagePattern('endless')
  endless(): Observable<string> {
    return from(endless());
  }

  @MessagePattern('stream with another reader')
  streamWithReader(): Observable<ReadableStream> {
    const stream = new ReadableStream();
    stream.getReader();
    return of(stream);
  }

  @MessagePattern('error with a getter')
  errorWithGetter(): never {
    throw new RpcException({
      get code(): string {
        throw new Error('the getter failed');
      },
    });
  }

  @EventPattern('error without text')
  // oxlint-disable-next-line require-yield -- it fails before its first value
  async *errorWithoutText(_data: unknown): AsyncGenerator<number> {
    throw Object.create(null);
  }
}

function* endless(): Generator<string> {
  for (;;) {
    yield 'x'.repeat(10_000);
  }
}

describe('A server', () => {
  it('serves on when the clean-up of a cancelled Observable throws, and frees its place', async () => {
    const { endpoint, server } = await startApp([FragileController]);
    const client = await connectClient(endpoint);
    await new Promise<void>(resolve => {
      const subscription = client.send('fragile', {}).subscribe(() => {
        subscription.unsubscribe();
        resolve();
      });
    });
    await until(() => server.getStats().streams === 0 && server.getStats().running === 0);
    expect(await firstValueFrom(client.send('echo', 'alive'))).toBe('alive');
    expect(server.getStats().heldBytes).toBeLessThan(1_000);
  });

  it('stops an Observable that emits without end while it is subscribed to', async () => {
    const { endpoint, server } = await startApp([FragileController]);
    const client = await connectClient(endpoint);
    await expect(lastValueFrom(client.send('endless', {}))).rejects.toMatchObject({ code: 'BACKPRESSURE' });
    expect(await firstValueFrom(client.send('echo', 'alive'))).toBe('alive');
    expect(server.getStats()).toMatchObject({ streams: 0, running: 0 });
  });

  it.each(['stream with another reader', 'error with a getter'])(
    'answers INTERNAL and serves on after a handler of the kind: %s',
    async pattern => {
      const { endpoint, server } = await startApp([FragileController]);
      const client = await connectClient(endpoint, { timeout: 1_000 });
      await expect(firstValueFrom(client.send(pattern, {}))).rejects.toMatchObject({ code: 'INTERNAL' });
      expect(server.getStats()).toMatchObject({ streams: 0, running: 0, heldBytes: 0 });
    },
  );

  it('frees the place of an event whose handler throws what has no text', async () => {
    const { endpoint, server } = await startApp([FragileController]);
    const client = await connectClient(endpoint);
    client.emit('error without text', {});
    await until(() => server.getStats().events === 1 && server.getStats().running === 0);
    expect(server.getStats().heldBytes).toBe(0);
  });

  it('serves on when listeners of its events throw', async () => {
    const { endpoint, server } = await startApp([FragileController]);
    const boom = () => {
      throw new Error('the listener failed');
    };
    server.on('malformed', boom);
    server.on('peerConnected', boom);
    server.on('peerDisconnected', boom);
    const peer = new RawPeer(endpoint);
    await peer.sendFrames(Buffer.from('garbage'));
    await peer.sendFrames(Buffer.from('more garbage'));
    await until(() => server.getStats().malformed === 2);
    const client = await connectClient(endpoint);
    expect(await firstValueFrom(client.send('echo', 'alive'))).toBe('alive');
  });
});

describe('A client', () => {
  it('goes on when listeners of its events throw', async () => {
    const { endpoint } = await startApp([FragileController]);
    const client = await connectClient(endpoint);
    const boom = () => {
      throw new Error('the listener failed');
    };
    await client.close();
    client.on('connect', boom);
    client.on('disconnect', boom);
    await client.connect();
    expect(await firstValueFrom(client.send('echo', 'alive'))).toBe('alive');
  });
});
