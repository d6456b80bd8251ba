import { describe, expect, it } from 'vitest';
import { resolveFields } from '../../../lib/options/fields.js';
import { SOCKET_FIELDS } from '../../../lib/options/socket-options.js';
import { optionsWith, valueAt, type Bound } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const BOUNDS: readonly Bound[] = [
  ['sendHighWaterMark', 1_000, 1, 1_000_000],
  ['receiveHighWaterMark', 1_000, 1, 1_000_000],
  ['linger', 1_000, 0, 60_000],
  ['handshakeInterval', 2_000, 10, 60_000],
  ['backlog', 511, 1, 65_535],
  ['ioThreads', 1, 1, 64],
  ['tcpKeepalive.idle', 60, 1, 86_400],
  ['tcpKeepalive.interval', 10, 1, 3_600],
  ['tcpKeepalive.count', 6, 1, 100],
];

function resolve(options: unknown) {
  return resolveFields(options, SOCKET_FIELDS, 'socket');
}

describe('Options of the socket', () => {
  it.each(BOUNDS)('%s is %d unless given, takes its bounds, and refuses what is beyond', (path, fallback, min, max) => {
    expect(valueAt(resolve(undefined), path)).toBe(fallback);
    expect(valueAt(resolve(optionsWith(path, min)), path)).toBe(min);
    expect(valueAt(resolve(optionsWith(path, max)), path)).toBe(max);
    for (const wrong of [min - 1, max + 1, NaN, Infinity, null, '1']) {
      const { code, message } = refusalOf(() => resolve(optionsWith(path, wrong)));
      expect(code).toBe('INVALID_OPTIONS');
      expect(message).toContain(`socket.${path} must be`);
    }
  });

  it('turn TCP keepalive on, off, or to other values', () => {
    expect(resolve({ tcpKeepalive: true }).tcpKeepalive).toEqual({ idle: 60, interval: 10, count: 6 });
    expect(resolve({ tcpKeepalive: false }).tcpKeepalive).toBe(false);
    expect(resolve({ tcpKeepalive: { idle: 5 } }).tcpKeepalive).toEqual({ idle: 5, interval: 10, count: 6 });
  });

  it.each([null, 1, 'on', [], { probes: 1 }])('refuse %j for TCP keepalive', tcpKeepalive => {
    expect(refusalOf(() => resolve({ tcpKeepalive })).message).toContain('socket.tcpKeepalive');
  });

  it('take IPv6 as true or false, and leave it off by default', () => {
    expect([resolve({}).ipv6, resolve({ ipv6: true }).ipv6]).toEqual([false, true]);
    expect(refusalOf(() => resolve({ ipv6: 'yes' })).message).toContain('socket.ipv6 must be true or false');
  });
});
