// What the attacks are tried against to show their harm: a service on bare zeromq.js, with the limits that libzmq has
// set as one would. With PUBLISHER=1 it also publishes, as subscriptions are no matter of a ROUTER.
import { Publisher, Router } from 'zeromq';

const LIMITS = { maxMessageSize: Number(process.env.MAX_MESSAGE_SIZE ?? 1024 ** 2), receiveHighWaterMark: 1000 };

const router = new Router({ ...LIMITS, linger: 0 });
await router.bind(process.env.BIND ?? 'tcp://127.0.0.1:*');
let waiting = Promise.resolve();

function reply(peer, id, response) {
  const text = JSON.stringify({ id, response, isDisposed: true });
  // zeromq.js allows one send at a time.
  waiting = waiting.then(() => router.send([peer, text])).catch(() => undefined);
}

async function serve(peer, { id, pattern, data }) {
  switch (pattern) {
    case 'slow':
      await new Promise(resolve => setTimeout(resolve, data));
      break;
    case 'burn':
      for (const end = performance.now() + data; performance.now() < end;);
      break;
    case 'whoami':
      reply(peer, id, peer.toString('latin1'));
      return;
  }
  reply(peer, id, data);
}

async function receive() {
  for await (const [peer, frame] of router) {
    try {
      const message = JSON.parse(frame.toString());
      for (const request of Array.isArray(message) ? message : [message]) {
        if (request.id !== undefined) void serve(peer, request);
      }
    } catch {
      // No JSON; a service like this ignores it.
    }
  }
}

void receive();
let publisher;
if (process.env.PUBLISHER === '1') {
  publisher = new Publisher({ maxMessageSize: LIMITS.maxMessageSize, linger: 0 });
  await publisher.bind('tcp://127.0.0.1:*');
  setInterval(() => void publisher.send(['tick', '']), 10);
}
const tell = process.send?.bind(process) ?? (({ endpoint }) => console.log(`${endpoint}, pid ${process.pid}`));
tell({ kind: 'listening', endpoint: router.lastEndpoint, publisher: publisher?.lastEndpoint });
process.on('disconnect', () => process.exit(0));
