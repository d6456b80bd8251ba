import type { ClientProxy } from '@nestjs/microservices';
import { ClientZmq, ServerZmq, type ZmqContext, ZmqRecord, ZmqRecordBuilder, type ZmqStatus } from 'nestjs-zeromq';
import type { Observable } from 'rxjs';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function assertEqual<A, B>(..._proof: Equal<A, B> extends true ? [] : [never]): void {}

const client = new ClientZmq({ connect: 'tcp://127.0.0.1:5555' });
void (client satisfies ClientProxy);

assertEqual<Observable<number>, ReturnType<typeof client.send<number>>>();
client.send<{ stored: boolean }>('telemetry.ingest', { value: 1 }).subscribe(answer => answer.stored);
client.emit('telemetry.reading', Buffer.from('raw'));
// @ts-expect-error the answer has the type that the caller said
client.send<{ stored: boolean }>('telemetry.ingest', {}).subscribe(answer => answer.missing);

export async function pull(): Promise<void> {
  for await (const value of client.stream<number>('numbers', {})) value.toFixed();
  // @ts-expect-error a stream yields values of its type
  for await (const value of client.stream<number>('numbers', {})) value.trim();
}

assertEqual<Promise<void>, ReturnType<ClientZmq['close']>>();
client.status.subscribe(status => status satisfies ZmqStatus);

const server = new ServerZmq({});
assertEqual<readonly string[], typeof server.endpoints>();
// @ts-expect-error the list of endpoints is read-only
server.endpoints.push('tcp://127.0.0.1:1');

client.on('retry', (pattern, attempt, delayMs, code) => {
  assertEqual<[string, number, number, string], [typeof pattern, typeof attempt, typeof delayMs, typeof code]>();
});

const record = new ZmqRecordBuilder({ year: 2026 }).setMetadata({ tenant: 'a' }).setTimeout(500).build();
void (record satisfies ZmqRecord<{ year: number }>);
// @ts-expect-error metadata are flat strings
new ZmqRecordBuilder({}).setMetadata({ nested: { a: 1 } });
void new ZmqRecordBuilder({}).setRetry(3).setRetry(false);
// @ts-expect-error attempts, or none
new ZmqRecordBuilder({}).setRetry(true);
// @ts-expect-error one of two encodings
new ZmqRecordBuilder({}).setEncoding('xml');

export function handle(context: ZmqContext): void {
  assertEqual<AbortSignal, typeof context.signal>();
  assertEqual<number | undefined, typeof context.deadline>();
  assertEqual<string, ReturnType<typeof context.getPattern>>();
  // @ts-expect-error a handler cannot move its deadline
  context.deadline = 1;
}
