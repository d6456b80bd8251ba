import fc from 'fast-check';
import { encodeCommand, readCommand, type Command } from '../../../lib/zmtp/command.js';
import {
  encodePing,
  encodePlainHello,
  encodePong,
  encodeReady,
  readError,
  readPing,
  readPlainHello,
  readPong,
} from '../../../lib/zmtp/commands.js';
import { encodeMetadata, readMetadata } from '../../../lib/zmtp/metadata.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { encodeSubscribe, subscriptionOfCommand, subscriptionOfMessage } from '../../../lib/zmtp/subscription.js';
import { ZMTP_VECTORS } from '../../support/zmtp-vectors.js';
import type { FuzzTarget } from '../fuzz-target.js';

const LIMITS = { maxProperties: 32, maxBytes: 4 * 1024 };

/** The body of a command. Whatever is accepted has to be the same when it is written and read again. */
export function fuzz(data: Buffer): void {
  subscriptionOfMessage(data);
  const command = readCommand(data);
  if (command instanceof ZmtpRefusal) {
    return;
  }
  subscriptionOfCommand(command);
  checkMetadata(command.data);
  checkPlain(command);
  readError(command.data);
  const ping = readPing(command.data);
  if (!(ping instanceof ZmtpRefusal)) {
    expectSame(encodePing(ping.ttl, ping.context), encodeCommand('PING', command.data));
  }
  const pong = readPong(command.data);
  if (!(pong instanceof ZmtpRefusal)) {
    expectSame(encodePong(pong.context), encodeCommand('PONG', command.data));
  }
  expectSame(encodeCommand(command.name, command.data).subarray(-data.length), data);
}

function checkMetadata(data: Buffer): void {
  const metadata = readMetadata(data, LIMITS);
  if (metadata instanceof ZmtpRefusal) {
    return;
  }
  const again = readMetadata(encodeMetadata(Object.fromEntries(metadata)), LIMITS);
  if (again instanceof ZmtpRefusal || again.size > metadata.size) {
    throw new Error('Metadata that was accepted is not when written again');
  }
}

function checkPlain({ data }: Command): void {
  const hello = readPlainHello(data);
  if (hello instanceof ZmtpRefusal) {
    return;
  }
  if (hello.username.length + hello.password.length + 2 !== data.length) {
    throw new Error('HELLO has bytes that belong to nothing');
  }
}

function expectSame(one: Buffer, other: Buffer): void {
  if (!one.equals(other)) {
    throw new Error('A command that was accepted is another one when written again');
  }
}

const anyName = fc.stringMatching(/^[A-Za-z0-9_.+-]{1,20}$/);
const anyFrame = fc.oneof(
  fc.dictionary(anyName, fc.string({ maxLength: 30 }), { noNullPrototype: true }).map(encodeReady),
  fc.tuple(fc.nat(65_535), fc.uint8Array({ maxLength: 16 })).map(([ttl, context]) => encodePing(ttl, context)),
  fc.uint8Array({ maxLength: 16 }).map(encodePong),
  fc.tuple(fc.string({ maxLength: 60 }), fc.string({ maxLength: 60 })).map(([a, b]) => encodePlainHello(a, b)),
  fc.uint8Array({ maxLength: 60 }).map(topic => encodeSubscribe(topic, 'command')),
  fc.tuple(anyName, fc.uint8Array({ maxLength: 60 })).map(([name, data]) => encodeCommand(name, data)),
);

/** A frame without its header. */
const bodyOf = (frame: Buffer) => frame.subarray((frame[0]! & 2) === 0 ? 2 : 9);

export const target: FuzzTarget = {
  fuzz,
  allocation: { base: 1024 ** 2, factor: 100 },
  maxBytes: 8 * 1024,
  arbitrary: anyFrame.map(bodyOf),
  seeds: () => ZMTP_VECTORS.map(({ bytes, greeting }) => bodyOf(bytes.subarray(greeting === undefined ? 0 : 64))),
};
