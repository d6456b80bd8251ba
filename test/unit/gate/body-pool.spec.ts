import { describe, expect, it } from 'vitest';
import { BodyPool } from '../../../lib/gate/body-pool.js';

const MEBI = 1024 * 1024;

describe('the buffers of large bodies', () => {
  it('are used again once they were given back, and only then', () => {
    const pool = new BodyPool(() => 4 * MEBI);
    const first = pool.take(MEBI);
    const second = pool.take(MEBI);
    expect(second.buffer).not.toBe(first.buffer);
    pool.give(first);
    expect(pool.take(MEBI - 10).buffer).toBe(first.buffer);
    expect(pool.size).toBe(0);
  });

  it('are not taken back twice, nor from elsewhere', () => {
    const pool = new BodyPool(() => 4 * MEBI);
    const body = pool.take(MEBI);
    pool.give(body);
    pool.give(body);
    pool.give(Buffer.alloc(MEBI));
    expect(pool.size).toBe(body.buffer.byteLength);
  });

  it('are kept within the limit, which may fall', () => {
    let limit = 4 * MEBI;
    const pool = new BodyPool(() => limit);
    const bodies = Array.from({ length: 8 }, () => pool.take(MEBI));
    bodies.forEach(body => pool.give(body));
    expect(pool.size).toBe(4 * MEBI);
    limit = MEBI;
    pool.take(2 * MEBI);
    expect(pool.size).toBeLessThanOrEqual(MEBI);
  });

  it('leave when nobody has needed them for a while', () => {
    const pool = new BodyPool(() => 8 * MEBI);
    const bodies = Array.from({ length: 4 }, () => pool.take(MEBI));
    bodies.forEach(body => pool.give(body));
    pool.sweep();
    // Of four buffers, one is in use now and then.
    pool.give(pool.take(MEBI));
    pool.sweep();
    expect(pool.size).toBe(MEBI);
    pool.sweep();
    expect(pool.size).toBe(0);
  });

  it('of small bodies are not worth keeping', () => {
    const pool = new BodyPool(() => MEBI);
    const body = pool.take(1_000);
    expect(body.buffer.byteLength).toBe(1_000);
    pool.give(body);
    expect(pool.size).toBe(0);
  });
});
