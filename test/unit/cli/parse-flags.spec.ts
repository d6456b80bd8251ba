import { describe, expect, it } from 'vitest';
import { bytesFlag, numberFlag, parseFlags } from '../../../lib/cli/parse-flags.js';
import { UsageError } from '../../../lib/cli/usage-error.js';

const FLAGS = { target: { type: 'string' }, json: { type: 'boolean', default: false } } as const;

describe('the flags of a command', () => {
  it('are read by their type', () => {
    expect({ ...parseFlags(['--target', 'x', '--json'], FLAGS) }).toEqual({ target: 'x', json: true });
    expect({ ...parseFlags(['--target=x'], FLAGS) }).toEqual({ target: 'x', json: false });
  });

  it.each([
    [['--other'], "Unknown option '--other'."],
    [['-x'], "Unknown option '-x'."],
    [['--target'], /--target <value>.* argument missing\.$/],
    [['--json=yes'], /--json.* does not take an argument\.$/],
    [['loose'], "Unexpected argument 'loose'."],
  ])('are refused by name: %s', (args, message) => {
    const parse = () => parseFlags(args, FLAGS);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});

describe('a flag that is a number', () => {
  const seconds = (text?: string) => numberFlag(text, 'seconds', { min: 1, max: 15 });

  it('is a decimal number within its bounds, or not given', () => {
    expect(['1', '2.5', '15', undefined].map(seconds)).toEqual([1, 2.5, 15, undefined]);
  });

  it.each(['0', '16', '-1', '', 'five', '1e1', '0x5', 'NaN', 'Infinity', ' 5'])('is nothing else: "%s"', text => {
    expect(() => seconds(text)).toThrow(`--seconds must be a number from 1 to 15, but is '${text}'.`);
  });
});

describe('a flag that is a size', () => {
  it('is a number of bytes, or has a unit', () => {
    expect(['64mb', '100', undefined].map(text => bytesFlag(text, 'budget'))).toEqual([67_108_864, 100, undefined]);
  });

  it.each(['64 apples', '-1', ''])('is nothing else: "%s"', text => {
    expect(() => bytesFlag(text, 'budget')).toThrow(UsageError);
    expect(() => bytesFlag(text, 'budget')).toThrow('--budget must be');
  });
});
