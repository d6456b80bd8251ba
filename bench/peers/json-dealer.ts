import { Dealer } from 'zeromq';
import type { BenchClient, RequestLoad } from '../load/loads.js';
import { payloadOf } from '../load/observable-client.js';
import { RequestTally } from '../load/request-tally.js';
import { PATTERNS } from './patterns.js';

/** Any ZeroMQ program in JSON mode: a DEALER of zeromq.js, one request in each message. */
export function connectJson(port: number): Promise<BenchClient> {
  const dealer = new Dealer({ linger: 0, receiveHighWaterMark: 0 });
  dealer.connect(`tcp://127.0.0.1:${port}`);
  return Promise.resolve({
    requests: load => requests(dealer, load),
    events: () => Promise.reject(new Error('not measured in JSON mode')),
    stream: () => Promise.reject(new Error('not measured in JSON mode')),
  });
}

async function requests(dealer: Dealer, load: RequestLoad) {
  const payload = payloadOf({ ...load, payload: 'text' });
  const tally = new RequestTally(load);
  const startedAt = new Map<string, number>();
  let next = 0;
  const send = (now: number) => {
    const id = String(next++);
    startedAt.set(id, now);
    return dealer.send(JSON.stringify({ id, pattern: PATTERNS.echo, data: payload }));
  };
  for (let i = 0; i < load.inFlight; i++) {
    await send(performance.now());
  }
  for (let open = load.inFlight; open > 0;) {
    const [reply] = await dealer.receive();
    const { id, response } = JSON.parse(String(reply)) as { id: string; response: string };
    const now = tally.settle(startedAt.get(id) ?? 0, response.length);
    startedAt.delete(id);
    if (tally.isOver(now, open - 1)) {
      open--;
    } else {
      await send(now);
    }
  }
  return tally.result(true);
}
