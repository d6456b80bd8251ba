import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { Encrypted } from '../../../lib/gate/encrypted.js';

/** As much of both sockets as is counted, of one that has come to terms with 3,000 bytes. */
function setUp() {
  const carrier = { bytesRead: 3_000, bytesWritten: 0, _handle: { writeQueueSize: 0 } };
  const socket = Object.assign(
    {
      bytesRead: 0,
      destroyed: false,
      push: () => true,
      resume: () => socket,
      on: () => socket,
      _read: () => undefined,
    },
    {},
  ) as { bytesRead: number; push: (chunk: Buffer) => boolean };
  const encrypted = new Encrypted(socket as unknown as TLSSocket, carrier as unknown as Socket);
  encrypted.readFor({ room: undefined, read: () => true, filled: () => true });
  const record = (content: number, bytes: number) => {
    carrier.bytesRead += bytes;
    if (content > 0) {
      socket.bytesRead += content;
      socket.push(Buffer.alloc(content));
    }
  };
  return { encrypted, carrier, record };
}

describe('what TLS reads without telling', () => {
  it('is not the handshake', () => {
    expect(setUp().encrypted.tooEmpty()).toBe(0);
  });

  it('is not what records have around their content, however little that is', () => {
    const { encrypted, record } = setUp();
    for (let count = 0; count < 10_000; count++) {
      record(1, 1 + 85);
    }
    expect(encrypted.tooEmpty()).toBe(0);
  });

  it('is records without content, from so many a second on', () => {
    const { encrypted, record } = setUp();
    const seconds: number[] = [];
    for (const count of [100, 2_400, 2_500, 0]) {
      for (let index = 0; index < count; index++) {
        record(0, 27);
      }
      seconds.push(encrypted.tooEmpty());
    }
    expect(seconds).toEqual([0, 0, 2_500 * 27, 0]);
  });

  it('is told though there is content beside it, and what was saved before is no credit', () => {
    const { encrypted, record } = setUp();
    for (let index = 0; index < 10_000; index++) {
      record(16_384, 16_384 + 22);
    }
    expect(encrypted.tooEmpty()).toBe(0);
    record(100, 122);
    for (let index = 0; index < 4_000; index++) {
      record(0, 27);
    }
    expect(encrypted.tooEmpty()).toBeGreaterThan(64 * 1024);
  });
});

describe('what the kernel has taken of an encrypted connection', () => {
  it('is what was written of it on the wire, without what still waits', () => {
    const { encrypted, carrier } = setUp();
    Object.assign(carrier, { bytesWritten: 200_000 });
    Object.assign(carrier._handle, { writeQueueSize: 50_000 });
    expect(encrypted.taken).toBe(150_000);
    Object.assign(carrier, { _handle: null });
    expect(encrypted.taken).toBe(200_000);
  });
});
