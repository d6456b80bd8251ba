import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../../../lib/cli/drill/catalogue.js';
import { parseDrillOptions, type DrillOptions } from '../../../../lib/cli/drill/drill-options.js';
import { UsageError } from '../../../../lib/cli/usage-error.js';

const TARGET = ['--target', 'tcp://127.0.0.1:5555'];

const parse = (...args: string[]) => parseDrillOptions([...TARGET, ...args]) as DrillOptions;
const idsOf = (...args: string[]) => parse(...args).attacks.map(({ id }) => id);

describe('the options of a drill', () => {
  it('need no more than a target', () => {
    expect(parse()).toEqual({
      target: 'tcp://127.0.0.1:5555',
      tls: undefined,
      attacks: CATALOGUE.filter(({ id }) => id !== 'A26'),
      milliseconds: 5_000,
      pid: undefined,
      json: false,
      budget: 64 * 1024 ** 2,
      patterns: { echo: 'echo', slow: 'echo', burn: 'echo', whoami: 'echo' },
    });
  });

  it('are all taken', () => {
    const flags = ['--seconds', '3', '--pid', '42', '--json', '--budget', '1mb', '--pattern', 'e'];
    const patterns = ['--slow-pattern', 's', '--burn-pattern', 'b', '--whoami-pattern', 'w'];
    expect(parse(...flags, ...patterns)).toMatchObject({
      milliseconds: 3_000,
      pid: 42,
      json: true,
      budget: 1024 ** 2,
      patterns: { echo: 'e', slow: 's', burn: 'b', whoami: 'w' },
    });
  });

  it('choose attacks by number, by variant, and each once', () => {
    expect(idsOf('--attack', 'A2')).toEqual(['A2', 'A2-tiny', 'A2-empty']);
    expect(idsOf('--attack', 'a2-tiny, A13')).toEqual(['A2-tiny', 'A13']);
    expect(idsOf('--attack', 'A13', '--attack', 'A13,partials')).toEqual(['A13', 'partials']);
    // A1 is not the beginning of A10.
    expect(idsOf('--attack', 'A1')).toEqual(['A1']);
  });

  it('have files for a target that speaks TLS, which is open to one attack more', () => {
    const flags = ['--target', 'tls://localhost:5555', '--ca', 'ca.pem', '--cert', 'c.pem', '--key', 'c.key'];
    const { tls, attacks } = parseDrillOptions(flags) as DrillOptions;
    expect(tls).toEqual({ caFile: 'ca.pem', certFile: 'c.pem', keyFile: 'c.key' });
    expect(attacks).toEqual(CATALOGUE);
    expect((parseDrillOptions(flags.slice(0, 2)) as DrillOptions).tls).toEqual({});
  });

  it.each([
    [['--ca', 'ca.pem'], '--ca is for tls:// targets'],
    [['--key', 'c.key'], '--key is for tls:// targets'],
    [['--attack', 'A26'], '--attack A26 is for tls:// targets'],
    [['--attack', 'A99'], "--attack knows no 'A99', only A1, A2,"],
    [['--attack', ''], "--attack knows no ''"],
    [['--seconds', '16'], '--seconds must be a number from 1 to 15'],
    [['--seconds', '0'], '--seconds'],
    [['--pid', 'abc'], '--pid'],
    [['--pid', '0'], '--pid'],
    [['--pid', '1.5'], '--pid'],
    [['--budget', 'much'], '--budget'],
    [['--verbose'], '--verbose'],
  ])('are refused by name: %s', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
  });

  it('are refused without a target', () => {
    expect(() => parseDrillOptions([])).toThrow('--target is missing');
  });

  it('may ask for help instead', () => {
    expect(parseDrillOptions(['--help'])).toBe('help');
  });
});
