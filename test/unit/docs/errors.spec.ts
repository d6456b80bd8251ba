import { describe, expect, it } from 'vitest';
import { ZMQ_ERROR_CODES, ZmqException } from 'nestjs-zeromq';
import { readDocument, section, tableRows } from '../../support/markdown.js';

const rows = tableRows(section(readDocument('docs/errors.md'), 'Codes'));

describe('docs/errors.md', () => {
  it('has every code, in order, and no other', () => {
    expect(rows.map(([code]) => code)).toEqual(ZMQ_ERROR_CODES);
  });

  it.each(rows)('says whether %s is retryable', (code, retryable) => {
    expect(retryable).toBe(new ZmqException(code!, '').retryable ? 'yes' : 'no');
  });
});
