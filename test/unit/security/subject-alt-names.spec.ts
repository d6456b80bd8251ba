import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subjectAltNames } from '../../../lib/security/subject-alt-names.js';

describe('subjectAltNames', () => {
  it.each([
    ['', []],
    ['DNS:a.example', ['DNS:a.example']],
    ['DNS:a.example, IP Address:10.0.0.1, email:a@b', ['DNS:a.example', 'IP:10.0.0.1', 'EMAIL:a@b']],
    ['URI:spiffe://example/a:b', ['URI:spiffe://example/a:b']],
    ['DNS:"a, DNS:b", DNS:c', ['DNS:a, DNS:b', 'DNS:c']],
    ['URI:"x:\\"\\u002c DNS:b"', ['URI:x:", DNS:b']],
    ['othername:"UPN:a\\u002c DNS:b", othername:<unsupported>', ['othername:UPN:a, DNS:b', 'othername:<unsupported>']],
    ['Registered ID:1.2.3', ['Registered ID:1.2.3']],
    ['DNS:', ['DNS:']],
  ])('takes %j apart', (text, names) => {
    expect(subjectAltNames(text)).toEqual(names);
  });

  it.each([
    'DNS',
    'DNS:a,DNS:b',
    'DNS:a, ',
    ', DNS:a',
    'DNS:a, b',
    'DNS:a"b',
    'DNS:"a',
    'DNS:"a"b',
    'DNS:"a\\x41"',
    'DNS:"a\nb"',
    'DNS:a, DNS:"b", DNS:"c',
  ])('takes no name at all from %j', text => {
    expect(subjectAltNames(text)).toEqual([]);
  });

  it('finds exactly the names that were written', () => {
    const safe = /^[ -~]*$/;
    const written = (value: string) => (safe.test(value) && !/["\\,']/.test(value) ? value : JSON.stringify(value));
    const values = fc.array(fc.oneof(fc.string(), fc.constantFrom(', DNS:a', '", DNS:"a', '\\', '\\"', 'a\u0000b')), {
      minLength: 1,
    });
    fc.assert(
      fc.property(values, names => {
        const text = names.map(name => `DNS:${written(name)}`).join(', ');
        expect(subjectAltNames(text)).toEqual(names.map(name => `DNS:${name}`));
      }),
    );
  });

  it('needs no time for a long text', () => {
    const started = performance.now();
    subjectAltNames(`DNS:"${'\\'.repeat(1_000_000)}`);
    subjectAltNames('A'.repeat(1_000_000));
    expect(performance.now() - started).toBeLessThan(500);
  });
});
