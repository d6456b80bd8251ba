import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';

const [port = '', rate = '1000', seconds = '3'] = process.argv.slice(2);
const SOURCES = 40;
const TICK_MS = 5;
const PATIENCE_MS = 1_000;

/** What a client of TLS says first. Said again and again, it costs nothing, while the server computes keys and a signature. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ port: (server.address() as AddressInfo).port, ALPNProtocols: ['zmtp/3.1'] });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

/** Offers so many TLS handshakes a second from many addresses of this machine; says how many were answered. */
const hello = await clientHello();
let offered = 0;
let answered = 0;
const startedAt = performance.now();
for (let now = startedAt; now < startedAt + Number(seconds) * 1_000; now = performance.now()) {
  for (const due = ((now - startedAt) * Number(rate)) / 1_000; offered < due; offered++) {
    const localAddress = `127.0.0.${2 + (offered % SOURCES)}`;
    const socket = connectTcp({ host: '127.0.0.1', port: Number(port), localAddress });
    socket.write(hello);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.once('data', () => {
      answered++;
      socket.destroy();
    });
    socket.on('error', () => undefined);
  }
  await delay(TICK_MS);
}
process.send?.({ offered, answered });
await delay(PATIENCE_MS);
process.exit();
