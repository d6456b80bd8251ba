// Offers requests and tells what became of them. A load comes as a message: so many a second, whatever becomes of those
// before, or so many at a time.
import 'reflect-metadata';
import { ClientZmq, ZmqRecordBuilder } from 'nestjs-zeromq';

const TICK_MS = 5;

const client = new ClientZmq(JSON.parse(process.env.OPTIONS));
await client.connect();
process.on('disconnect', () => process.exit(0));
process.on('message', load => void offer(load).then(outcome => process.send(outcome)));
process.send({});

async function offer({ seconds, perSecond, atATime, deadlineMs, fill }) {
  const outcome = { offered: 0, latencies: [], codes: {}, seconds: 0 };
  const record = new ZmqRecordBuilder('x'.repeat(fill)).setTimeout(deadlineMs).build();
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  let open = 0;
  const settled = () => {
    open--;
    outcome.seconds = (performance.now() - startedAt) / 1_000;
  };
  const send = onSettled => {
    outcome.offered++;
    open++;
    const sentAt = performance.now();
    client.send('work', record).subscribe({
      error: error => {
        const code = error.code ?? 'none';
        outcome.codes[code] = (outcome.codes[code] ?? 0) + 1;
        settled();
        onSettled?.();
      },
      complete: () => {
        outcome.latencies.push(performance.now() - sentAt);
        settled();
        onSettled?.();
      },
    });
  };
  if (atATime !== undefined) {
    const next = () => {
      if (performance.now() < endAt) send(next);
    };
    for (let index = 0; index < atATime; index++) next();
  }
  while (performance.now() < endAt) {
    await new Promise(resolve => setTimeout(resolve, TICK_MS));
    const due = Math.floor(((Math.min(performance.now(), endAt) - startedAt) / 1_000) * (perSecond ?? 0));
    while (perSecond !== undefined && outcome.offered < due) send();
  }
  // Whatever has not settled long after its deadline was answered by nobody.
  const patience = performance.now() + 2 * deadlineMs + 1_000;
  while (open > 0 && performance.now() < patience) await new Promise(resolve => setTimeout(resolve, TICK_MS));
  return { ...outcome, silent: open };
}
