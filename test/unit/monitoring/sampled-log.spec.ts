import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, SampledLog } from '../../../lib/monitoring/sampled-log.js';
import { FakeClock } from '../../support/fake-clock.js';

function setUp() {
  const lines: string[] = [];
  const clock = new FakeClock(0);
  return { lines, clock, log: new SampledLog<'a' | 'b'>({ warn: (line: unknown) => lines.push(String(line)) }, clock) };
}

describe('SampledLog', () => {
  it('writes the first of a kind, then one in ten seconds with the number left out', () => {
    const { lines, clock, log } = setUp();
    log.warn('a', () => 'first');
    log.warn('a', () => 'second');
    clock.advance(9_999);
    log.warn('a', () => 'third');
    expect(lines).toEqual(['first']);
    clock.advance(1);
    log.warn('a', () => 'fourth');
    clock.advance(10_000);
    log.warn('a', () => 'fifth');
    expect(lines).toEqual(['first', 'fourth (2 more of this kind since the last line)', 'fifth']);
  });

  it('keeps kinds apart', () => {
    const { lines, log } = setUp();
    log.warn('a', () => '1');
    log.warn('b', () => '2');
    expect(lines).toEqual(['1', '2']);
  });

  it('stays short under a flood, and makes no text for what it leaves out', () => {
    const { lines, clock, log } = setUp();
    let made = 0;
    const seconds = 100;
    for (let count = 0; count < seconds * 1_000; count++) {
      log.warn('a', () => {
        made++;
        return `x`.repeat(100_000);
      });
      clock.advance(1);
    }
    expect([lines.length, made]).toEqual([seconds / 10, seconds / 10]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(400);
    expect(lines.at(-1)).toContain('(9999 more of this kind');
  });

  it('writes on one line whatever a peer has sent', () => {
    const { lines, log } = setUp();
    log.warn('a', () => 'x\r\n[Nest] LOG forged \u001b[2J\u0085\u2028\u202e');
    expect(lines).toEqual(['x��[Nest] LOG forged �[2J���']);
  });
});

describe('printable', () => {
  it('keeps ordinary text of any language', () => {
    const text = 'Grüße, 你好, مرحبا, 🎉 {"cmd":"sum"} \\n';
    expect(printable(text)).toBe(text);
  });

  it('has no character that ends a line, steers a terminal or turns the direction, and is bounded', () => {
    const nasty = fc.constantFrom(
      '\0',
      '\t',
      '\n',
      '\r',
      '\u001b',
      '\u007f',
      '\u0085',
      '\u009b',
      '\u2028',
      '\u200f',
      '\u202e',
      '\u2066',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 200 }), parts => {
        const text = printable(parts.join(''));
        expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
        expect(text.length).toBeLessThanOrEqual(301);
      }),
    );
  });
});
