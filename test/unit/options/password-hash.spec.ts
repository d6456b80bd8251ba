import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPasswordHash, parsePasswordHash } from '../../../lib/options/password-hash.js';
import { Secret } from '../../../lib/options/secret.js';
import { refusalOf } from '../../support/refusal.js';

const SALT = Buffer.alloc(16, 0xa5).toString('base64').replace(/=+$/, '');
const HASH = Buffer.alloc(32, 0x5a).toString('base64').replace(/=+$/, '');

const phc = ({ ln = '15', r = '8', p = '1', salt = SALT, hash = HASH } = {}) =>
  `$scrypt$ln=${ln},r=${r},p=${p}$${salt}$${hash}`;

describe('parsePasswordHash', () => {
  it('reads cost, salt and hash', () => {
    const { salt, hash, ...cost } = parsePasswordHash(phc({ p: '2' }), 'passwordHash');
    expect(cost).toEqual({ logCost: 15, blockSize: 8, parallelization: 2 });
    expect(salt.reveal()).toEqual(Buffer.alloc(16, 0xa5));
    expect(hash.reveal()).toEqual(Buffer.alloc(32, 0x5a));
  });

  it.each([
    { ln: '14' },
    { ln: '18' },
    { ln: '14', r: '32' },
    { p: '16' },
    { salt: 'A'.repeat(86) },
    { hash: 'A'.repeat(86) },
  ])('takes what is just within its bounds: %o', parts => {
    expect(() => parsePasswordHash(phc(parts), 'passwordHash')).not.toThrow();
  });

  it.each([
    [{ ln: '13' }, 'must have a cost within'],
    [{ ln: '21' }, 'must have a cost within'],
    [{ r: '7' }, 'must have a cost within'],
    [{ r: '33' }, 'must have a cost within'],
    [{ p: '17' }, 'must have a cost within'],
    [{ ln: '19' }, 'must take at most 268435456 bytes of memory'],
    [{ ln: '17', r: '32' }, 'must take at most 268435456 bytes of memory'],
    [{ ln: '015' }, 'must be a hash such as'],
    [{ p: '0' }, 'must be a hash such as'],
    [{ salt: 'A'.repeat(20) }, 'must be a hash such as'],
    [{ salt: 'A'.repeat(87) }, 'must be a hash such as'],
    [{ hash: 'A'.repeat(42) }, 'must be a hash such as'],
    [{ hash: 'A'.repeat(87) }, 'must be a hash such as'],
    [{ salt: `${SALT}==` }, 'must be a hash such as'],
    [{ hash: `${'_'.repeat(43)}` }, 'must be a hash such as'],
    // Spare bits, and a length that base64 never has.
    [{ salt: `${'A'.repeat(21)}B` }, 'must be base64 without padding'],
    [{ hash: 'A'.repeat(45) }, 'must be base64 without padding'],
  ])('refuses %o', (parts, problem) => {
    const { code, message } = refusalOf(() => parsePasswordHash(phc(parts), 'passwordHash'));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toContain(problem);
  });

  it.each([
    'hunter2hunter2hunter2',
    `${phc()}\n`,
    `x${phc()}`,
    phc().replace('$scrypt', '$argon2id'),
    phc({ salt: `${SALT}==` }),
    phc({ salt: 'ZZZZZZZZZZZZZZZZZZZZZZ' }).replace('$ln', '$N'),
  ])('does not show what it refuses', text => {
    const { message } = refusalOf(() => parsePasswordHash(text, 'passwordHash'));
    expect(message).toContain('passwordHash must be');
    expect(message).not.toMatch(/hunter2|ZZZZ/);
    expect(message).not.toContain(HASH.slice(0, 8));
  });

  it('refuses what is no text', () => {
    expect(refusalOf(() => parsePasswordHash(undefined, 'passwordHash')).message).toContain('passwordHash must be');
  });

  it('needs no time for a long text', () => {
    const started = performance.now();
    refusalOf(() => parsePasswordHash(`${phc()}${'A'.repeat(1_000_000)}`, 'passwordHash'));
    expect(performance.now() - started).toBeLessThan(200);
  });
});

describe('formatPasswordHash', () => {
  it('writes what parsePasswordHash reads', () => {
    const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 64 }).map(each => Buffer.from(each));
    fc.assert(
      fc.property(bytes(16), bytes(32), (salt, hash) => {
        const cost = { logCost: 15, blockSize: 8, parallelization: 1 };
        const text = formatPasswordHash({ ...cost, salt: new Secret(salt), hash: new Secret(hash) });
        const parsed = parsePasswordHash(text, 'passwordHash');
        expect([parsed.salt.reveal(), parsed.hash.reveal()]).toEqual([salt, hash]);
      }),
    );
  });
});
