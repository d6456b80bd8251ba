import { describe, expect, it } from 'vitest';
import { DenialReports, type ZmqDenial } from '../../../lib/server/denial-reports.js';
import { FakeClock } from '../../support/fake-clock.js';

function setup() {
  const told: ZmqDenial[] = [];
  const clock = new FakeClock();
  const reports = new DenialReports(denial => told.push(denial), clock);
  const add = (id: string, pattern: string, kind: ZmqDenial['kind'] = 'request') =>
    reports.add({ peer: { id }, pattern, kind });
  const counts = () => told.map(({ peer, pattern, kind, count }) => `${peer.id} ${pattern} ${kind} ${count}`);
  return { told, clock, reports, add, counts };
}

describe('DenialReports', () => {
  it('tells the first at once, and how many came since a second later', () => {
    const { clock, add, counts, told } = setup();
    for (let ms = 0; ms <= 1_000; ms += 100) {
      add('a', 'sum');
      clock.advance(100);
    }
    expect(counts()).toEqual(['a sum request 1', 'a sum request 10']);
    expect(told.every(({ at }) => at instanceof Date && Math.abs(at.getTime() - Date.now()) < 5_000)).toBe(true);
  });

  it('counts peers, patterns and kinds apart', () => {
    const { add, counts } = setup();
    add('a', 'sum');
    add('a', 'product');
    add('b', 'sum');
    add('a', 'sum', 'event');
    add('a', 'sum');
    expect(counts()).toEqual(['a sum request 1', 'a product request 1', 'b sum request 1', 'a sum event 1']);
  });

  it('counts apart who has signed on one connection', () => {
    const { reports, told } = setup();
    for (const identity of ['press-7', 'press-7', 'oven-1']) {
      reports.add({ peer: { id: 'a', identity }, pattern: 'sum', kind: 'request' });
    }
    reports.clear();
    expect(told.map(({ peer, count }) => [peer.identity, count])).toEqual([
      ['press-7', 1],
      ['oven-1', 1],
      ['press-7', 1],
    ]);
  });

  it('remembers 1,000, and tells what the oldest has not told when it makes room', () => {
    const { add, counts } = setup();
    add('first', 'sum');
    add('first', 'sum');
    for (let index = 1; index < 1_000; index++) {
      add(`${index}`, 'sum');
    }
    expect(counts()).toHaveLength(1_000);
    add('one more', 'sum');
    expect(counts().slice(1_000)).toEqual(['first sum request 1', 'one more sum request 1']);
    add('first', 'sum');
    expect(counts()).toHaveLength(1_003);
  });

  it('keeps whoever was told last', () => {
    const { clock, add, counts } = setup();
    add('kept', 'sum');
    for (let index = 1; index < 1_000; index++) {
      add(`${index}`, 'sum');
    }
    clock.advance(1_000);
    add('kept', 'sum');
    add('one more', 'sum');
    const before = counts().length;
    add('kept', 'sum');
    expect(counts()).toHaveLength(before);
  });

  it('tells the rest when it is cleared, and nothing twice', () => {
    const { reports, add, counts } = setup();
    for (let i = 0; i < 5; i++) {
      add('a', 'sum');
    }
    add('b', 'sum');
    reports.clear();
    reports.clear();
    expect(counts()).toEqual(['a sum request 1', 'b sum request 1', 'a sum request 4']);
    add('a', 'sum');
    expect(counts().at(-1)).toBe('a sum request 1');
  });
});
