import { encodeFrame, FrameFlag } from './frame-header.js';
import { ZmtpRefusal } from './refusal.js';
import { encodeName, endOfShortText, isName } from './short-text.js';

/** A command frame's body, taken apart. */
export interface Command {
  /** 1 to 255 characters, each of `A-Z a-z 0-9 - _ . +`. Their case matters. */
  readonly name: string;
  /** What follows the name: a view into the frame's body. */
  readonly data: Buffer;
}

const EMPTY = Buffer.alloc(0);

/**
 * The command in the body of a frame that has the COMMAND flag: a name behind its length, then data (RFC 37). Digits and
 * signs are allowed in names as they are in those of properties, though RFC 37 asks for letters alone.
 */
export function readCommand(body: Buffer): Command | ZmtpRefusal {
  const end = endOfShortText(body, 0);
  return end === undefined || !isName(body, 1, end)
    ? new ZmtpRefusal('bad-command')
    : { name: body.toString('latin1', 1, end), data: body.subarray(end) };
}

/**
 * A whole command frame, its header included.
 *
 * @throws RangeError if the name is none
 */
export function encodeCommand(name: string, data: Uint8Array = EMPTY): Buffer {
  return encodeFrame(FrameFlag.Command, Buffer.concat([encodeName(name), data]));
}
