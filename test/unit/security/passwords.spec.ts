import { performance } from 'node:perf_hooks';
import { beforeAll, describe, expect, it } from 'vitest';
import { parsePasswordHash, type PasswordHash } from '../../../lib/options/password-hash.js';
import { hashPassword } from '../../../lib/security/password-hashing.js';
import { PasswordVerifier } from '../../../lib/security/passwords.js';

const PASSWORD = 'correct horse é';
const OLD_PASSWORD = 'battery staple';
let hash: PasswordHash;
let oldHash: PasswordHash;

beforeAll(async () => {
  const texts = await Promise.all([PASSWORD, OLD_PASSWORD].map(hashPassword));
  [hash, oldHash] = texts.map(text => parsePasswordHash(text, 'hash')) as [PasswordHash, PasswordHash];
});

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}

describe('hashPassword', () => {
  it('gives PHC text of the usual cost, with another salt each time', async () => {
    const [one, other] = await Promise.all([hashPassword('a'), hashPassword('a')]);
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(other).not.toBe(one);
  });
});

describe('PasswordVerifier', () => {
  it.each([
    [PASSWORD, 'right'],
    [OLD_PASSWORD, 'right'],
    ['correct horse e', 'wrong'],
    ['', 'wrong'],
  ])('compares with every hash of a name: %s is %s', async (password, verdict) => {
    const passwords = new PasswordVerifier();
    expect(await passwords.verify({ name: 'a', password, hashes: [hash, oldHash] })).toBe(verdict);
  });

  it.each<[string, readonly PasswordHash[] | undefined]>([
    ['that nobody has', undefined],
    ['without a password', []],
  ])('computes a hash for a name %s, too', async (_, hashes) => {
    const passwords = new PasswordVerifier({ maxRunning: 1, maxWaiting: 0 });
    const unknown = passwords.verify({ name: 'nobody', password: PASSWORD, hashes });
    // Its place is taken while it computes.
    expect(await passwords.verify({ name: 'a', password: PASSWORD, hashes: [hash] })).toBe('busy');
    expect(await unknown).toBe('wrong');
  });

  it('computes a few at a time, lets a few wait, and refuses the rest at once', async () => {
    const passwords = new PasswordVerifier({ maxRunning: 1, maxWaiting: 1 });
    const attempt = { name: 'a', password: 'guess', hashes: [hash] };
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => passwords.verify(attempt)));
    expect(verdicts).toEqual(['wrong', 'wrong', 'busy', 'busy']);
    expect(await passwords.verify(attempt)).toBe('wrong');
  });

  it('lets those in at once who were right before, however busy it is', async () => {
    const passwords = new PasswordVerifier({ maxRunning: 1, maxWaiting: 0 });
    const known = { name: 'a', password: PASSWORD, hashes: [hash] };
    const first = await timed(() => passwords.verify(known));
    const guess = passwords.verify({ name: 'b', password: 'guess', hashes: [hash] });
    const again = await timed(() => passwords.verify(known));
    expect([first.result, again.result, await guess]).toEqual(['right', 'right', 'wrong']);
    expect(again.ms).toBeLessThan(first.ms);
  });

  it('recognises what was right before, and nothing else', async () => {
    const passwords = new PasswordVerifier();
    const attempt = { name: 'a', password: PASSWORD, hashes: [hash] };
    const before = passwords.recognises(attempt);
    await passwords.verify(attempt);
    const guess = passwords.recognises({ ...attempt, password: 'guess' });
    expect([before, passwords.recognises(attempt), guess]).toEqual([false, true, false]);
  });

  it.each<[string, () => { name: string; password: string; hashes: readonly PasswordHash[] }]>([
    ['another password', () => ({ name: 'a', password: 'guess', hashes: [hash] })],
    ['another name', () => ({ name: 'b', password: PASSWORD, hashes: [oldHash] })],
    ['another hash', () => ({ name: 'a', password: PASSWORD, hashes: [oldHash] })],
    ['no hash any more', () => ({ name: 'a', password: PASSWORD, hashes: [] })],
  ])('does not take %s for what was right before', async (_, attempt) => {
    const passwords = new PasswordVerifier();
    await passwords.verify({ name: 'a', password: PASSWORD, hashes: [hash] });
    expect(await passwords.verify(attempt())).toBe('wrong');
  });

  it.each(['a', undefined])('computes again for whom it was told to forget: %s', async name => {
    const passwords = new PasswordVerifier({ maxRunning: 1, maxWaiting: 0 });
    const known = { name: 'a', password: PASSWORD, hashes: [hash] };
    await passwords.verify(known);
    passwords.forget(name);
    const guess = passwords.verify({ name: 'b', password: 'guess', hashes: [hash] });
    expect(await passwords.verify(known)).toBe('busy');
    expect(await guess).toBe('wrong');
  });
});
