import { describe, expect, it } from 'vitest';
import { libzmqCapabilities, libzmqVersion } from '../../../lib/socket/libzmq-version.js';

describe('libzmq', () => {
  it('tells its version, and that it has CURVE', () => {
    expect(libzmqVersion).toMatch(/^\d+\.\d+\.\d+$/);
    expect(libzmqCapabilities).toContain('curve');
    expect(libzmqCapabilities).toEqual([...libzmqCapabilities].sort());
  });
});
