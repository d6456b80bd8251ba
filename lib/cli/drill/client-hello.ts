import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

/** What a client of TLS says first, ready to be sent any number of times. */
export function clientHello(): Promise<Buffer> {
  return new Promise(resolve => {
    const wire = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        resolve(Buffer.from(bytes));
        done();
      },
    });
    const client = connect({ socket: wire, rejectUnauthorized: false });
    client.on('error', () => undefined);
  });
}
