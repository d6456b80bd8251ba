import { NestFactory } from '@nestjs/core';
import { ClientsModule } from '@nestjs/microservices';
import { ClientZmq, ServerZmq, type Bytes, type ZmqClientOptions, type ZmqServerOptions } from 'nestjs-zeromq';

// Everything is optional, in every group.
void new ServerZmq({});
void new ServerZmq({ bind: ['tcp://127.0.0.1:*', 'ipc:///tmp/a.sock'], limits: {}, concurrency: {}, socket: {} });
void new ServerZmq({ concurrency: 16, memoryBudget: '64mb', limits: { maxMessageSize: 1_024 } });
void new ClientZmq({});
void new ClientZmq({ connect: 'tcp://127.0.0.1:5555', timeout: 0, encoding: 'msgpack', heartbeat: { interval: 100 } });
void new ClientZmq({ retry: 3 });
void new ClientZmq({ retry: false });
void new ClientZmq({ retry: { attempts: 3, minDelay: 10, maxDelay: 1_000 } });

const sizes = [1024, '512b', '64kb', '1.5mb', '2gb'] satisfies Bytes[];
void sizes;

// @ts-expect-error a size has a unit that exists
void new ServerZmq({ memoryBudget: '64 megabytes' });
// @ts-expect-error an unknown option
void new ServerZmq({ port: 5555 });
// @ts-expect-error an unknown limit
void new ServerZmq({ limits: { maxSize: '1mb' } });
// @ts-expect-error a server binds
void new ServerZmq({ connect: 'tcp://127.0.0.1:5555' });
// @ts-expect-error one of two encodings
void new ClientZmq({ encoding: 'xml' });
// @ts-expect-error milliseconds are a number
void new ClientZmq({ timeout: '30s' });
// @ts-expect-error a retry has a number of attempts
void new ClientZmq({ retry: true });
// @ts-expect-error an unknown option of a retry
void new ClientZmq({ retry: { times: 3 } });
// @ts-expect-error a serializer has a method serialize
void new ClientZmq({ serializer: {} });

const server: ZmqServerOptions = { bind: 'tcp://127.0.0.1:5555' };
// @ts-expect-error options are read-only
server.bind = 'tcp://0.0.0.0:5555';
const client: ZmqClientOptions = { limits: { maxPending: 1 } };
// @ts-expect-error limits are read-only
client.limits = {};

// Nest takes both where it takes its own transports.
class AppModule {}
void NestFactory.createMicroservice(AppModule, { strategy: new ServerZmq(server) });
ClientsModule.register([{ name: 'TELEMETRY', customClass: ClientZmq, options: client }]);
ClientsModule.registerAsync([
  { name: 'TELEMETRY', useFactory: () => ({ customClass: ClientZmq, options: { connect: 'tcp://127.0.0.1:5555' } }) },
]);
