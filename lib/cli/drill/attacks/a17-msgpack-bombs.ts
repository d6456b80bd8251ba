import { PayloadEncoding } from '../../../wire/packet.js';
import type { Attack } from '../attack.js';
import { helloFrame, requestFrame } from '../raw-bytes.js';
import { keepAtIt } from './keep-at-it.js';

const EMPTY_MAP = 0x80;
const ARRAY_32 = 0xdd;
const BIN_32 = 0xc6;
const ONE_IN_AN_ARRAY = 0x91;
const BYTES = 900 * 1024;
const PAUSE_MS = 5;

function declared(type: number, length: number, rest: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(5);
  header[0] = type;
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, rest]);
}

/** Lengths that are not there, a megabyte of empty objects, and depth. */
const BOMBS: readonly Uint8Array[] = [
  declared(ARRAY_32, 0xffff_ffff),
  declared(BIN_32, 0x7fff_ffff),
  declared(ARRAY_32, BYTES, Buffer.alloc(BYTES, EMPTY_MAP)),
  Buffer.alloc(BYTES, ONE_IN_AN_ARRAY),
];

export const msgpackBombs: Attack = {
  id: 'A17',
  title: 'MessagePack that declares gigabytes, or is all values, or all depth',
  exhausts: 'memory and the event loop',
  async run(ground) {
    const bombs = BOMBS.map((body, index) =>
      requestFrame(ground.patterns.echo, index + 1, { encoding: PayloadEncoding.MsgPack, body, maxSize: body.length }),
    );
    await keepAtIt(ground, { peers: 8 }, async (peer, index) => {
      await peer.write(helloFrame());
      while (!ground.signal.aborted && (await peer.write(bombs[index % bombs.length] as Buffer))) {
        await ground.pause(PAUSE_MS);
      }
    });
  },
};
