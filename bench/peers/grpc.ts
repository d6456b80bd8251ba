import { fileURLToPath } from 'node:url';
import { ClientGrpcProxy, type GrpcOptions, Transport } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import { ObservableClient } from '../load/observable-client.js';
import { serveNest } from './nest-server.js';
import type { Peer } from './peer.js';

interface BenchService {
  echo(text: { data: string }): Observable<{ data: string }>;
  echoBytes(bytes: { data: Buffer }): Observable<{ data: Buffer }>;
  numbers(count: { values: number }): Observable<{ value: number }>;
}

function optionsOf(port: number): GrpcOptions {
  const protoPath = fileURLToPath(new URL('../../peers/bench.proto', import.meta.url));
  return { transport: Transport.GRPC, options: { url: `127.0.0.1:${port}`, package: 'bench', protoPath } };
}

export const peer: Peer = {
  serve: ({ port, received }) => serveNest(optionsOf(port), received),
  connect: async port => {
    const client = new ClientGrpcProxy(optionsOf(port).options);
    const service = client.getService<BenchService>('Bench');
    return new ObservableClient({
      echo: data => (typeof data === 'string' ? service.echo({ data }) : service.echoBytes({ data })),
      emit: () => throwError(() => new Error('gRPC has no events')),
      stream: values => service.numbers({ values }),
      sizeOf: answer => (answer as { data: string | Buffer }).data.length,
    });
  },
};
