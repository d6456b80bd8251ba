import { describe, expect, it } from 'vitest';
import { certificateMatch } from '../../../lib/options/certificate-match.js';
import { refusalOf } from '../../support/refusal.js';

const DIGITS = 'ab'.repeat(32);
const COLONS = Array.from({ length: 32 }, () => 'aB').join(':');

describe('certificateMatch', () => {
  it.each([
    ['CN=press-7', 'CN', 'press-7'],
    ['CN=a,OU=admins', 'CN', 'a,OU=admins'],
    ['DNS:Press-7.Example', 'DNS', 'press-7.example'],
    ['URI:spiffe://example/Press-7', 'URI', 'spiffe://example/Press-7'],
    ['EMAIL:Press@example.org', 'EMAIL', 'Press@example.org'],
    ['IP:10.0.0.1', 'IP', '10.0.0.1'],
    ['IP:2001:DB8:0:0:0:0:0:1', 'IP', '2001:db8::1'],
    [`SHA256:${DIGITS}`, 'SHA256', DIGITS.toUpperCase()],
    [`SHA256:${COLONS}`, 'SHA256', DIGITS.toUpperCase()],
  ])('reads %s', (text, kind, value) => {
    expect(certificateMatch(text, 'certificate')).toEqual({ kind, value });
  });

  it.each([
    '',
    'press-7',
    'CN:press-7',
    'CN=',
    'CN=a\nb',
    'cn=press-7',
    'DNS=press-7',
    'DNS:*.example',
    'DNS:a..example',
    'DNS:example.',
    'DNS:a, DNS:b',
    'URI:press-7',
    'URI:spiffe://a b',
    'EMAIL:press',
    'EMAIL:a@b@c',
    'IP:10.0.0.0/8',
    'IP:press-7',
    `SHA256:${DIGITS.slice(1)}`,
    `SHA256:${COLONS.slice(0, -1)}`,
    `SHA256:${COLONS.replace(':', '')}`,
    `SHA1:${'ab'.repeat(20)}`,
    ['CN=press-7'],
    7,
    undefined,
  ])('refuses %j, naming the forms', value => {
    const { code, message } = refusalOf(() => certificateMatch(value, 'certificate'));
    expect(code).toBe('INVALID_OPTIONS');
    expect(message).toContain('certificate must be one of CN=press-7, DNS:');
  });

  it.each(['DNS', 'URI', 'EMAIL', 'CN'])('needs no time for a long %s', kind => {
    const started = performance.now();
    refusalOf(() => certificateMatch(`${kind}${kind === 'CN' ? '=' : ':'}${'a.'.repeat(500_000)}@`, 'certificate'));
    expect(performance.now() - started).toBeLessThan(200);
  });
});
