import { describe, expect, it } from 'vitest';
import { readCommand } from '../../../lib/zmtp/command.js';
import { encodeReady } from '../../../lib/zmtp/commands.js';
import { FrameFlag } from '../../../lib/zmtp/frame-header.js';
import { encodeGreeting, GREETING_BYTES, readGreeting } from '../../../lib/zmtp/greeting.js';
import { readMetadata } from '../../../lib/zmtp/metadata.js';
import { ZmtpRefusal } from '../../../lib/zmtp/refusal.js';
import { readChunks } from '../../support/zmtp.js';
import { ZMTP_VECTORS, type VectorFrame } from '../../support/zmtp-vectors.js';

const LIMITS = { maxProperties: 8, maxBytes: 1024 };

function meaningOf({ flags, body }: { flags: number; body: Buffer }, expected: VectorFrame | undefined): unknown {
  if ((flags & FrameFlag.Command) === 0) {
    const message = body.toString('latin1');
    return (flags & FrameFlag.More) === 0 ? { message } : { message, more: true };
  }
  const command = readCommand(body);
  if (command instanceof ZmtpRefusal) {
    return { refused: command.code, body: body.toString('latin1') };
  }
  const { name, data } = command;
  if (expected === undefined || !('properties' in expected)) {
    return { command: name, data: data.toString('latin1') };
  }
  const properties = readMetadata(data, LIMITS);
  return properties instanceof ZmtpRefusal
    ? properties
    : {
        command: name,
        properties: Object.fromEntries([...properties].map(([key, value]) => [key, value.toString('latin1')])),
      };
}

describe('The bytes of real sockets and of RFC 37', () => {
  it.each(ZMTP_VECTORS)('mean what they are known to mean: $name', ({ bytes, greeting, frames }) => {
    const start = greeting === undefined ? 0 : GREETING_BYTES;
    expect(readGreeting(bytes, start)).toEqual(greeting);
    const { begun, bodies } = readChunks([bytes.subarray(start)]);
    const decoded = bodies.map((body, index) => meaningOf({ flags: begun[index]!.flags, body }, frames[index]));
    expect(decoded).toEqual(frames);
  });

  it('are what this codec writes itself', () => {
    const example = ZMTP_VECTORS.find(({ name }) => name === 'DEALER of the worked example')!;
    const written = [
      encodeGreeting({ mechanism: 'NULL', asServer: false }),
      encodeReady({ 'Socket-Type': 'DEALER', Identity: '' }),
    ];
    expect(Buffer.concat(written).toString('hex')).toBe(example.bytes.toString('hex'));
  });
});
