import { describe, expect, it } from 'vitest';
import { GateLog, type LogForm } from '../../../../lib/cli/gate/gate-log.js';

const ENTRY = { event: 'violation', fields: { kind: 'framing' }, text: 'Somebody sent nonsense.' };

function create(form: LogForm) {
  const lines: string[] = [];
  const clock = { now: 0 };
  const log = new GateLog({ out: text => void lines.push(text) }, form, () => clock.now);
  return { log, lines, clock };
}

describe('the log of the gate program', () => {
  it('is one object a line as JSON', () => {
    const { log, lines } = create('json');
    log.say(ENTRY);
    expect(JSON.parse(lines[0] as string)).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      event: 'violation',
      kind: 'framing',
    });
  });

  it('is one sentence a line as text', () => {
    const { log, lines } = create('text');
    log.say(ENTRY);
    expect(lines).toEqual([expect.stringMatching(/^\d{4}-\S+Z Somebody sent nonsense\.$/)]);
  });

  it('says the first of a kind, then counts until the interval is over', () => {
    const { log, lines, clock } = create('text');
    for (; clock.now < 10_000; clock.now += 10) {
      log.sample('framing', 10_000, () => ENTRY);
    }
    expect(lines).toHaveLength(1);
    log.sample('framing', 10_000, () => ENTRY);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('(999 more of this kind since the last line)');
    log.sample('other', 10_000, () => ENTRY);
    expect(lines).toHaveLength(3);
  });

  it('counts what it leaves out for programs, too', () => {
    const { log, lines, clock } = create('json');
    log.sample('framing', 1_000, () => ENTRY);
    log.sample('framing', 1_000, () => ENTRY);
    clock.now = 1_000;
    log.sample('framing', 1_000, () => ENTRY);
    expect(lines.map(line => (JSON.parse(line) as { leftOut?: number }).leftOut)).toEqual([undefined, 1]);
  });

  it('writes the live status over the last one, and other lines above it', () => {
    const { log, lines } = create('live');
    log.live('1 peers');
    log.live('2 peers');
    log.say(ENTRY);
    log.endLive();
    log.say(ENTRY);
    const over = '\x1b[1A\x1b[2K';
    expect(lines[0]).toBe('1 peers');
    expect(lines[1]).toBe(`${over}2 peers`);
    expect(lines[2]?.startsWith(over)).toBe(true);
    expect(lines[2]?.endsWith('\n2 peers')).toBe(true);
    expect(lines[3]).not.toContain('\x1b');
  });

  it('keeps the live status on one line of a terminal', () => {
    const { log, lines } = create('live');
    log.live('x'.repeat(200));
    expect(lines[0]).toHaveLength(79);
  });
});
