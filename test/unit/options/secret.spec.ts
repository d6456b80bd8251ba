import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';

const VALUE = 'correct horse battery staple';

describe('Secret', () => {
  it('reveals its value to whoever asks for it', () => {
    expect(new Secret(VALUE).reveal()).toBe(VALUE);
  });

  it.each([
    ['String()', (secret: Secret<string>) => String(secret)],
    ['toString()', (secret: Secret<string>) => secret.toString()],
    ['a template', (secret: Secret<string>) => `${secret as unknown as string}`],
    ['a sum', (secret: Secret<string>) => '' + (secret as unknown as string)],
    ['inspect', (secret: Secret<string>) => inspect(secret)],
    ['inspect with everything', (secret: Secret<string>) => inspect(secret, { showHidden: true, depth: null })],
  ])('is shown as redacted by %s', (_name, show) => {
    expect(show(new Secret(VALUE))).toBe('[redacted]');
  });

  it('is shown as redacted wherever it stands in something else', () => {
    const options = { curve: { keys: [new Secret(VALUE), new Secret(Buffer.from(VALUE))] } };
    expect(JSON.stringify(options)).toBe('{"curve":{"keys":["[redacted]","[redacted]"]}}');
    expect(inspect(options, { showHidden: true, depth: null, getters: true })).not.toMatch(/correct|63 6f 72/);
  });

  it.each([
    [
      'inspect without custom texts',
      inspect(new Secret(VALUE), { customInspect: false, showHidden: true, depth: null }),
    ],
    ['a list of properties', inspect(Reflect.ownKeys(new Secret(VALUE)))],
    ['a copy of its properties', inspect(Object.assign({}, new Secret(VALUE)))],
    ['structuredClone', inspect(structuredClone(new Secret(VALUE)), { showHidden: true })],
    ['an error', new Error(`wrong: ${String(new Secret(VALUE))}`).message],
    ['a number', inspect(Number(new Secret(VALUE)))],
  ])('does not give its value away by %s', (_name, shown) => {
    expect(shown).not.toContain(VALUE);
  });
});
