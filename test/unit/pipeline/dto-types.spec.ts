import { describe, expect, it } from 'vitest';
import { isDtoClass } from '../../../lib/pipeline/dto-types.js';
import { ZmqPeer } from '../../../lib/pipeline/zmq-peer.decorator.js';

class Dto {}

describe('isDtoClass()', () => {
  it('takes classes for DTOs, and not what only stands where one could', () => {
    expect([Dto, class extends Dto {}].map(isDtoClass)).toEqual([true, true]);
    const others = [undefined, null, {}, 'Dto', Map, Promise, Uint8Array, Buffer, () => undefined, ZmqPeer];
    expect(others.filter(isDtoClass)).toEqual([]);
  });
});
