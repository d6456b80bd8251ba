import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientCurveOptions, serverCurveOptions } from '../../../lib/options/curve-options.js';
import { readSource } from '../../../lib/security/key-files.js';
import { isDeeplyFrozen } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const SECRET_KEY = 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6';
const SERVER_KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';

const server = (value: unknown) => serverCurveOptions(value, 'curve');
const client = (value: unknown) => clientCurveOptions(value, 'curve');
const refusal = (resolve: (value: unknown) => unknown, value: unknown) => {
  const { code, message } = refusalOf(() => resolve(value));
  return `${code}: ${message}`;
};

describe.each([
  ['a server', server, {}],
  ['a client', client, { serverKey: SERVER_KEY }],
] as const)('curve of %s', (_, resolve, others) => {
  it('is none unless it is given', () => {
    expect(resolve(undefined)).toBeUndefined();
  });

  it('has its secret key as text, which nothing shows', () => {
    const curve = resolve({ ...others, secretKey: SECRET_KEY });
    expect(curve && readSource(curve.secretKey, true)).toBe(SECRET_KEY);
    expect(inspect(curve, { depth: 9, showHidden: true })).not.toContain(SECRET_KEY);
    expect(isDeeplyFrozen(curve)).toBe(true);
  });

  it('has its secret key in a file', () => {
    expect(resolve({ ...others, secretKeyFile: 'a.key' })).toEqual({ ...others, secretKey: { file: 'a.key' } });
  });

  it.each<[options: object, message: string]>([
    [{}, 'curve.secretKey or secretKeyFile must be given.'],
    [{ secretKey: SECRET_KEY, secretKeyFile: 'a' }, 'curve.secretKey and curve.secretKeyFile cannot both be given.'],
    [{ secretKey: SECRET_KEY.slice(1) }, 'curve.secretKey must be a CURVE key as 40 characters of Z85.'],
    [{ secretKey: ['a'] }, 'curve.secretKey must be a CURVE key as 40 characters of Z85.'],
    [{ secretKeyFile: '' }, 'curve.secretKeyFile must be the path of a file.'],
    [{ publicKey: SERVER_KEY }, "curve has no option 'publicKey'."],
  ])('refuses %j: %s', (options, message) => {
    expect(refusal(resolve, { ...others, ...options })).toContain(`INVALID_OPTIONS: ${message}`);
  });

  it.each<[what: string, options: unknown]>([
    ['in the place of the group', SECRET_KEY],
    ['in a list', [SECRET_KEY]],
    ['with something behind it', { ...others, secretKey: `${SECRET_KEY}\n` }],
    ['as a path, with the line end of its file', { ...others, secretKeyFile: `${SECRET_KEY}\n` }],
    ['beside a file', { ...others, secretKey: SECRET_KEY, secretKeyFile: 'a' }],
  ])('does not show a secret key that is given %s', (_what, options) => {
    const message = refusal(resolve, options);
    expect(message).toContain('INVALID_OPTIONS: curve');
    expect(message).not.toContain(SECRET_KEY.slice(0, 6));
  });
});

describe('curve of a client', () => {
  it('needs the public key of the server', () => {
    const form = 'curve.serverKey must be a CURVE key as 40 characters of Z85';
    expect(refusal(client, { secretKey: SECRET_KEY })).toBe(`INVALID_OPTIONS: ${form}, but is undefined.`);
    expect(refusal(client, { secretKey: SECRET_KEY, serverKey: 'short' })).toBe(
      `INVALID_OPTIONS: ${form}, but is another text of 5 characters.`,
    );
  });

  it('has a key that a server does not', () => {
    expect(refusal(server, { secretKey: SECRET_KEY, serverKey: SERVER_KEY })).toContain("no option 'serverKey'");
  });
});
