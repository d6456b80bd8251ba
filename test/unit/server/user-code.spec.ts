import { Controller } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { firstValueFrom, Observable } from 'rxjs';
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
