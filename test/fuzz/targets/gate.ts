import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { GateServerSocket } from '../../../lib/gate/gate-server-socket.js';
import { ByteBudget } from '../../../lib/limits/byte-budget.js';
import { resolveFields } from '../../../lib/options/fields.js';
import { gateOptions } from '../../../lib/options/gate-options.js';
import { SOCKET_FIELDS } from '../../../lib/options/socket-options.js';
import { encodeCommand } from '../../../lib/zmtp/command.js';
import { encodePing, encodeReady } from '../../../lib/zmtp/commands.js';
import { encodeFrame, FrameFlag } from '../../../lib/zmtp/frame-header.js';
import { encodeGreeting } from '../../../lib/zmtp/greeting.js';
import { MemoryServer } from '../../support/memory-socket.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';
import type { FuzzTarget } from '../fuzz-target.js';

const GREETING = encodeGreeting({ mechanism: 'NULL', asServer: false });
const HANDSHAKE = Buffer.concat([GREETING, encodeReady({ 'Socket-Type': 'DEALER' })]);
const WORD = Buffer.from('hello');
const HELLO = encodeFrame(0, WORD);
const POLICIES = ['disconnect', 'discard'] as const;
/** Turns of the event loop in which an honest client has to be served. */
const MAX_TURNS = 50;

/** The more there is, the larger are the pieces, or the time would be that of the pieces. */
const STEP_UP = 1024;

const net = new MemoryServer();
const LIMITS = POLICIES.map(policy =>
  gateOptions(
    {
      acceptRate: 1_000_000,
      policies: { 'frame-too-large': policy, 'message-too-large': policy, 'too-many-frames': policy },
    },
    'gate',
  ),
);
const gate = new GateServerSocket({
  bind: ['tcp://127.0.0.1:1'],
  maxMessageSize: 2 * 1024,
  messageOverhead: 2 * 1024,
  socket: resolveFields({}, SOCKET_FIELDS, 'socket'),
  gate: LIMITS[0]!,
  stallTimeout: 10_000,
  receiving: 32 * 1024,
  budget: new ByteBudget(8 * 1024 ** 2),
  createServer: () => net.asServer(),
});
let delivered = 0;
const opened = gate.open({
  message: (peerId, frames) => {
    delivered += frames.reduce((sum, { length }) => sum + length, 0);
    if (frames[0]?.equals(WORD) === true) {
      void gate.send(peerId, frames);
    }
  },
  peerGone: () => undefined,
  failed: error => {
    throw error;
  },
});
let count = 0;

/**
 * A connection that sends what it likes, beside an honest one. The first byte says whether it begins with a handshake,
 * the policy and whether it stays; the second one the size of what is sent at a time.
 */
export async function fuzz(data: Buffer): Promise<void> {
  await opened;
  const [how = 0, step = 0] = data;
  const rest = data.subarray(2);
  const bytes = (how & 1) === 0 ? Buffer.concat([HANDSHAKE, rest]) : rest;
  gate.limits = LIMITS[(how >> 1) & 1]!;
  delivered = 0;
  const attacker = net.accept(`10.0.${(count >> 8) & 255}.${count++ & 255}`);
  const size = step === 0 ? Math.max(1, bytes.length) : step * Math.ceil(bytes.length / STEP_UP);
  for (let at = 0; at < bytes.length; at += size) {
    attacker.push(bytes.subarray(at, at + size));
  }
  await setImmediate();
  if (delivered > rest.length) {
    throw new Error(`${delivered} bytes were delivered of ${rest.length}`);
  }
  if ((how & 4) === 0) {
    attacker.destroy();
  } else if ((how & 8) !== 0) {
    attacker.leave();
  }
  await serveHonest();
  attacker.destroy();
  await untilEmpty();
}

async function serveHonest(): Promise<void> {
  const honest = net.accept('10.1.0.1');
  honest.push(HANDSHAKE);
  honest.push(HELLO);
  for (let turn = 0; !Buffer.concat(honest.written).includes(HELLO); turn++) {
    if (turn > MAX_TURNS) {
      throw new Error('An honest client is not served');
    }
    await setImmediate();
  }
  honest.destroy();
}

async function untilEmpty(): Promise<void> {
  for (let turn = 0; ; turn++) {
    const { receiving, held } = gate.ledger;
    const { connections } = gate.usage;
    const left = {
      connections,
      receiving: receiving.used,
      held: held.used,
      stashed: gate.stashes.bytes,
      deadlines: gate.wheel.size,
    };
    if (Object.values(left).every(value => value === 0)) {
      return;
    }
    if (turn > MAX_TURNS) {
      throw new Error(`The gate still holds ${JSON.stringify(left)}`);
    }
    await setImmediate();
  }
}

const anyBody = fc.uint8Array({ maxLength: 300 });
const anyFrame = fc.oneof(
  fc.tuple(fc.constantFrom(0, FrameFlag.More), anyBody).map(([flags, body]) => encodeFrame(flags, body)),
  fc.integer({ min: 0, max: 4_500 }).map(length => encodeFrame(0, Buffer.alloc(length))),
  anyBody.map(body => encodePing(1, body.subarray(0, 16))),
  fc
    .tuple(fc.constantFrom('PONG', 'READY', 'ERROR', 'SUBSCRIBE', 'X'), anyBody)
    .map(([name, body]) => encodeCommand(name, body)),
);

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 8 * 1024 ** 2, factor: 400 },
  maxBytes: 8 * 1024,
  arbitrary: fc
    .tuple(fc.nat(255), fc.nat(255), fc.array(anyFrame, { maxLength: 24 }))
    .map(([how, step, frames]) => Buffer.concat([Buffer.of(how & 0xfe, step), ...frames])),
  seeds: () => [
    ...ZMTP_VECTORS.map(({ bytes }, index) => Buffer.concat([Buffer.of(1, index * 7), bytes])),
    Buffer.concat([Buffer.of(0, 0), HELLO, encodePing(10, Buffer.from('x')), encodeFrame(1, Buffer.from('a')), HELLO]),
    Buffer.concat([Buffer.of(2, 200), encodeFrame(0, Buffer.alloc(4_200)), HELLO]),
    Buffer.concat([Buffer.of(4, 255), encodeFrame(1, Buffer.alloc(2_000)), encodeFrame(0, Buffer.alloc(2_000))]),
    Buffer.from([0, 0, 2, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    Buffer.concat([Buffer.of(2, 0), ...Array.from({ length: 40 }, () => Buffer.of(1, 0)), HELLO]),
  ],
};
