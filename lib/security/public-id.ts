import { createHmac, randomBytes } from 'node:crypto';

/** Routing ids that a client chooses so that nobody can guess them have so many characters. */
export const CONNECTION_ID_CHARACTERS = Buffer.alloc(16).toString('base64url').length;

const key = randomBytes(32);
const BYTES = 16;

/**
 * A connection's id as logs, events and handlers may show it. With libzmq, whoever knows a routing id can claim it once its
 * owner has left, so that an id which is meant to be a secret appears as a code of it that means nothing in another process.
 *
 * @param id in latin1
 */
export function publicIdOf(id: string): string {
  const at = id.length - CONNECTION_ID_CHARACTERS;
  const secret = at < 0 ? '' : id.slice(at);
  const shown = at < 0 ? id : id.slice(0, at);
  const hex = Buffer.from(shown, 'latin1').toString('hex');
  return secret === ''
    ? hex
    : hex +
        createHmac('sha256', key)
          .update(secret, 'latin1')
          .digest('hex')
          .slice(0, 2 * BYTES);
}
