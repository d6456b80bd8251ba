import fc from 'fast-check';
import { ServerHandshake } from '../../../lib/gate/handshake.js';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodePlainHello, encodePlainInitiate, encodeReady } from '../../../lib/zmtp/commands.js';
import { FrameReader } from '../../../lib/zmtp/frame-reader.js';
import { encodeGreeting } from '../../../lib/zmtp/greeting.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';
import type { FuzzTarget } from '../fuzz-target.js';

const MAX_COMMAND = 4 * 1024;

/** The first byte chooses NULL or PLAIN and the size of chunks; the rest is what a client sends. */
export function fuzz(data: Buffer): void {
  const [how = 0] = data;
  const bytes = data.subarray(1);
  const isPlain = (how & 1) !== 0;
  let written = 0;
  const handshake = new ServerHandshake({
    socketType: (how & 2) === 0 ? 'ROUTER' : 'PULL',
    mechanism: isPlain ? 'PLAIN' : 'NULL',
    judge: {
      isOpen: (how & 1) === 0,
      judge: plain => plain?.username === plain?.password,
    },
    maxBytes: MAX_COMMAND,
    write: ({ length }) => {
      written += length;
    },
  });
  const result: { outcome: boolean | ZmtpRefusal } = { outcome: false };
  const reader = new FrameReader({
    begin: (_, length) => (length > MAX_COMMAND ? 'stop' : 'read'),
    skipped: () => true,
    refuse: refusal => {
      result.outcome = refusal;
    },
    frame: (_, body) => {
      const step = handshake.command(body);
      if (step instanceof Promise) {
        throw new Error('The handshake waits for what has been decided at once');
      }
      result.outcome = step;
      return result.outcome === false;
    },
  });
  handshake.begin();
  const size = 1 + (how >> 2);
  for (let at = 0; at < bytes.length && result.outcome === false; at += size) {
    const end = Math.min(bytes.length, at + size);
    let from = at;
    if (!handshake.isGreeted) {
      const read = handshake.read(bytes, at, end);
      if (read instanceof ZmtpRefusal) {
        result.outcome = read;
        break;
      }
      from = read;
    }
    if (from < end) {
      reader.read(bytes, from, end);
    }
  }
  if (result.outcome === true && !handshake.isGreeted) {
    throw new Error('The handshake is over before the greeting');
  }
  // Greeting, WELCOME and READY: a client cannot make the server say more than once what it says once.
  if (written > 200) {
    throw new Error(`The server has written ${written} bytes`);
  }
}

const anyText = fc.oneof(
  fc.constantFrom('DEALER', 'REQ', 'SUB', 'ROUTER', '__proto__', ''),
  fc.string({ maxLength: 20 }),
);
const anyName = fc.oneof(
  fc.constantFrom('Socket-Type', 'Identity', 'socket-type', 'X-a', '__proto__', 'constructor'),
  fc.stringMatching(/^[A-Za-z0-9_.+-]{1,20}$/),
);
const anyProperties = fc.dictionary(anyName, anyText, { maxKeys: 6, noNullPrototype: true });
const anyCommand = fc.oneof(
  anyProperties.map(encodeReady),
  anyProperties.map(encodePlainInitiate),
  fc.tuple(anyText, anyText).map(([user, password]) => encodePlainHello(user, password)),
  fc.tuple(anyName, fc.uint8Array({ maxLength: 40 })).map(([name, body]) => encodeCommand(name, body)),
);
const anyGreeting = fc
  .tuple(fc.constantFrom('NULL' as const, 'PLAIN' as const), fc.boolean())
  .map(([mechanism, asServer]) => encodeGreeting({ mechanism, asServer }));

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 1024 ** 2, factor: 100 },
  maxBytes: 8 * 1024,
  arbitrary: fc
    .tuple(fc.nat(255), anyGreeting, fc.array(anyCommand, { maxLength: 4 }))
    .map(([how, greeting, commands]) => Buffer.concat([Buffer.of(how), greeting, ...commands])),
  seeds: () =>
    ZMTP_VECTORS.filter(({ greeting }) => greeting !== undefined).map(({ bytes, greeting }, index) =>
      Buffer.concat([Buffer.of((greeting?.mechanism === 'PLAIN' ? 1 : 0) | (index << 4)), bytes]),
    ),
};
