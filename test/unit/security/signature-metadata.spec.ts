import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addSignature, takeSignature } from '../../../lib/security/signature-metadata.js';

const TOKEN = '1.cHJlc3M.1750000000000.AAAAAAAAAAAAAAAAAAAAAA.BBBB_-';

/** Metadata objects, many of which do their best to look as if they were signed. */
function metadata() {
  const tricky = fc.constantFrom(
    '"zmq-signature":"x"}',
    ',"zmq-signature":"x"}',
    '\\","zmq-signature":"x"}',
    '{"zmq-signature":"',
    'zmq-signature',
    '"}',
    '\\',
  );
  const text = fc.oneof(
    fc.string(),
    tricky,
    fc.tuple(fc.string(), tricky).map(parts => parts.join('')),
  );
  return fc.dictionary(text, text, { noNullPrototype: true });
}

describe('the signature in the metadata', () => {
  it.each([
    ['', `{"zmq-signature":"${TOKEN}"}`],
    ['{"a":"b"}', `{"a":"b","zmq-signature":"${TOKEN}"}`],
  ])('is the last key of its text: after %j', (base, text) => {
    expect(addSignature(base, TOKEN)).toBe(text);
    expect(takeSignature(text)).toEqual({ base, token: TOKEN });
  });

  it('is taken off to the letter, whatever the metadata', () => {
    fc.assert(
      fc.property(metadata(), values => {
        const base = Object.keys(values).length === 0 ? '' : JSON.stringify(values);
        const text = addSignature(base, TOKEN);
        expect(takeSignature(text)).toEqual({ base, token: TOKEN });
        expect(JSON.parse(text)).toEqual({ ...values, 'zmq-signature': TOKEN });
      }),
    );
  });

  it('is never found where nobody has signed', () => {
    fc.assert(
      fc.property(metadata(), values => {
        fc.pre(!Object.hasOwn(values, 'zmq-signature'));
        expect(takeSignature(JSON.stringify(values))).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it('stands for nothing after an empty object, as after no metadata', () => {
    expect(takeSignature(addSignature('{}', TOKEN))).toEqual({ base: '', token: TOKEN });
  });

  it.each([
    '',
    '{}',
    '"zmq-signature":"x"}',
    '{,"zmq-signature":"x"}',
    '{"a":"b" "zmq-signature":"x"}',
    '{"a":{"zmq-signature":"x"}}',
    '{"zmq-signature":"x","a":"b"}',
    '{"zmq-signature":"x" }',
    '{"zmq-signature":""}',
    '{"zmq-signature":"x\\n"}',
    '{"zmq-signature":5}',
    '["zmq-signature":"x"}',
    `{"zmq-signature":"${'x'.repeat(2_001)}"}`,
  ])('is not found in %j', text => {
    expect(takeSignature(text)).toBeUndefined();
  });
});
