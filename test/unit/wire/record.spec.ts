import { describe, expect, it } from 'vitest';
import { ZmqRecord, ZmqRecordBuilder } from '../../../lib/wire/record.js';

describe('ZmqRecordBuilder', () => {
  it('builds a record of all that was set', () => {
    const record = new ZmqRecordBuilder<object>()
      .setData({ a: 1 })
      .setMetadata({ tenant: 'x' })
      .setTimeout(500)
      .setEncoding('msgpack')
      .setRetry(5)
      .build();
    expect(record).toBeInstanceOf(ZmqRecord);
    expect(record).toMatchObject({
      data: { a: 1 },
      metadata: { tenant: 'x' },
      timeout: 500,
      encoding: 'msgpack',
      retry: 5,
    });
  });

  it('leaves to the client what was not set', () => {
    const { data, ...rest } = new ZmqRecordBuilder('x').build();
    expect(data).toBe('x');
    expect(Object.values(rest)).toEqual([undefined, undefined, undefined, undefined]);
  });

  it('takes a timeout of 0 as none', () => {
    expect(new ZmqRecordBuilder(1).setTimeout(0).build().timeout).toBe(0);
  });

  it('takes 1 to 100 attempts, and false for none', () => {
    const retryOf = (attempts: number | false) => new ZmqRecordBuilder(1).setRetry(attempts).build().retry;
    expect([retryOf(1), retryOf(100), retryOf(false)]).toEqual([1, 100, false]);
  });

  it('keeps metadata as it was when it was set', () => {
    const metadata: Record<string, string> = { a: 'b' };
    const record = new ZmqRecordBuilder(1).setMetadata(metadata).build();
    metadata['a'] = 'c';
    expect(record.metadata).toEqual({ a: 'b' });
  });

  it.each([
    ['timeout', (builder: ZmqRecordBuilder) => builder.setTimeout(-1)],
    ['timeout', (builder: ZmqRecordBuilder) => builder.setTimeout(1.5)],
    ['timeout', (builder: ZmqRecordBuilder) => builder.setTimeout(Number.NaN)],
    ['metadata', (builder: ZmqRecordBuilder) => builder.setMetadata({ a: 1 } as unknown as Record<string, string>)],
    ['metadata', (builder: ZmqRecordBuilder) => builder.setMetadata(null as unknown as Record<string, string>)],
    ['metadata', (builder: ZmqRecordBuilder) => builder.setMetadata({ constructor: 'x' } as Record<string, string>)],
    [
      'metadata',
      (builder: ZmqRecordBuilder) => builder.setMetadata(JSON.parse('{"__proto__":"x"}') as Record<string, string>),
    ],
    ['encoding', (builder: ZmqRecordBuilder) => builder.setEncoding('xml' as 'json')],
    ['retry', (builder: ZmqRecordBuilder) => builder.setRetry(0)],
    ['retry', (builder: ZmqRecordBuilder) => builder.setRetry(101)],
    ['retry', (builder: ZmqRecordBuilder) => builder.setRetry(1.5)],
    ['retry', (builder: ZmqRecordBuilder) => builder.setRetry(true as unknown as false)],
  ])('throws INVALID_OPTIONS naming %s', (field, set) => {
    const builder = new ZmqRecordBuilder<unknown>();
    expect(() => set(builder)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS', message: expect.stringContaining(field) as string }) as Error,
    );
  });
});
