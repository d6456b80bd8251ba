import { describe, expect, it } from 'vitest';
import { advisoriesFor, isKnownVersion } from '../../../lib/security/libzmq-advisories.js';

describe('advisoriesFor', () => {
  it.each([
    ['4.3.0', 8],
    ['4.3.1', 7],
    ['4.3.2', 6],
    ['4.3.3', 0],
    ['4.3.5', 0],
    ['4.10.0', 0],
    ['5.0.0', 0],
    ['3.9.9', 8],
  ])('counts the known flaws of libzmq %s: %i', (version, count) => {
    expect(advisoriesFor(version)).toHaveLength(count);
  });

  it('says what they are, and what to have instead', () => {
    expect(advisoriesFor('4.3.1')).toContainEqual({ id: 'CVE-2019-13132', fixedIn: '4.3.2' });
  });

  it.each(['', '4.3', '4.3.5-rc1', 'v4.3.5', '4.3.x', ' 4.3.5'])('knows nothing of "%s", and says so', version => {
    expect(isKnownVersion(version)).toBe(false);
    expect(advisoriesFor(version)).toEqual([]);
  });
});
