import { describe, expect, it } from 'vitest';
import { mayTalk, type SocketType } from '../../../lib/zmtp/socket-types.js';

const TYPES: readonly SocketType[] = [
  'REQ',
  'REP',
  'DEALER',
  'ROUTER',
  'PUB',
  'XPUB',
  'SUB',
  'XSUB',
  'PUSH',
  'PULL',
  'PAIR',
];

/** The table of RFC 37, row by row in the order above. */
const TABLE = [
  '.*.*.......',
  '*.*........',
  '.***.......',
  '*.**.......',
  '......**...',
  '......**...',
  '....**.....',
  '....**.....',
  '.........*.',
  '........*..',
  '..........*',
];

describe('mayTalk', () => {
  it('allows the combinations of RFC 37 and no others', () => {
    const table = TYPES.map(own => TYPES.map(other => (mayTalk(own, other) ? '*' : '.')).join(''));
    expect(table).toEqual(TABLE);
  });

  it('is the same from both sides', () => {
    for (const own of TYPES) {
      for (const other of TYPES) {
        expect(mayTalk(own, other)).toBe(mayTalk(other, own));
      }
    }
  });

  it.each(['', 'dealer', 'STREAM', 'CLIENT', '__proto__', 'length', 'DEALER\0'])('allows none called %j', other => {
    for (const own of TYPES) {
      expect(mayTalk(own, other)).toBe(false);
    }
  });
});
