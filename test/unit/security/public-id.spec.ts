import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CONNECTION_ID_CHARACTERS, publicIdOf } from '../../../lib/security/public-id.js';

describe('publicIdOf', () => {
  it('writes an id that the server has given in hex', () => {
    expect(publicIdOf('\x01abc\xff')).toBe('01616263ff');
  });

  it('shows nothing of a routing id that a client keeps to itself, but the same each time', () => {
    const id = randomBytes(16).toString('base64url');
    expect(id).toHaveLength(CONNECTION_ID_CHARACTERS);
    const shown = publicIdOf(id);
    expect(shown).toMatch(/^[0-9a-f]{32}$/);
    expect(shown).toBe(publicIdOf(id));
    expect(shown).not.toContain(Buffer.from(id).toString('hex').slice(0, 8));
    expect(publicIdOf(randomBytes(16).toString('base64url'))).not.toBe(shown);
  });

  it('keeps what several engines put before it', () => {
    const id = randomBytes(16).toString('base64url');
    expect(publicIdOf(`\x02${id}`)).toBe(`02${publicIdOf(id)}`);
  });
});
