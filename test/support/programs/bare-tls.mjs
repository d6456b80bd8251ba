// What the flood of TLS handshakes is tried against to show its harm: bare zeromq.js behind a server of node:tls, as one
// would put it there, in one process so that both share its processor.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer } from 'node:tls';
import { Router } from 'zeromq';

const router = new Router({ maxMessageSize: 1024 ** 2, receiveHighWaterMark: 1000, linger: 0 });
await router.bind('tcp://127.0.0.1:*');

async function serve() {
  for await (const [peer, frame] of router) {
    try {
      const { id, data } = JSON.parse(frame.toString());
      await router.send([peer, JSON.stringify({ id, response: data, isDisposed: true })]);
    } catch {
      // No JSON; a service like this ignores it.
    }
  }
}

void serve();
const port = Number(router.lastEndpoint.split(':').at(-1));
const { CERT, KEY, CA } = process.env;
const options = { cert: readFileSync(CERT), key: readFileSync(KEY), ca: readFileSync(CA), requestCert: true };
const server = createServer(options, secured => {
  const plain = connect({ host: '127.0.0.1', port, noDelay: true });
  for (const socket of [secured, plain]) {
    socket.on('error', () => undefined);
    socket.on('close', () => (socket === plain ? secured : plain).destroy());
  }
  secured.setNoDelay(true);
  secured.pipe(plain).pipe(secured);
});
server.on('tlsClientError', () => undefined);
server.listen(0, '127.0.0.1', () => {
  process.send({ kind: 'listening', endpoint: `tls://127.0.0.1:${server.address().port}` });
});
process.on('disconnect', () => process.exit(0));
