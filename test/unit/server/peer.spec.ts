import { describe, expect, it } from 'vitest';
import { createPeer } from '../../support/peers.js';

describe('a peer for whom others sign', () => {
  it('is seen as the same signer each time, and as another one once the signer has changed', () => {
    const { peer } = createPeer('a');
    const signer = { name: 'press-7', roles: ['press'] };
    const first = peer.signedBy(signer);
    expect(peer.signedBy(signer)).toBe(first);
    const changed = peer.signedBy({ name: 'press-7', roles: ['admin'] });
    expect([first.roles, changed.roles]).toEqual([['press'], ['admin']]);
  });

  it('remembers a bounded number of them', () => {
    const { peer } = createPeer('a');
    const signers = Array.from({ length: 1_000 }, (_, index) => ({ name: `press-${index}`, roles: [] }));
    const seen = signers.map(signer => peer.signedBy(signer));
    const again = signers.map(signer => peer.signedBy(signer));
    const remembered = again.filter((identity, index) => identity === seen[index]);
    expect(remembered.length).toBeLessThanOrEqual(256);
    expect(again.map(({ identity }) => identity)).toEqual(signers.map(({ name }) => name));
  });
});
