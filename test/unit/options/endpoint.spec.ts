import { describe, expect, it } from 'vitest';
import { bindEndpoints, connectEndpoints, isExposed, isIPv6Endpoint } from '../../../lib/options/endpoint.js';
import { refusalOf } from '../../support/refusal.js';

const bind = bindEndpoints('tcp://127.0.0.1:5555');
const connect = connectEndpoints('tcp://127.0.0.1:5555');
const longestPath = `/${'x'.repeat(106)}`;

describe('Endpoints', () => {
  it('are the default one when none is given', () => {
    expect(bind(undefined, 'bind')).toEqual(['tcp://127.0.0.1:5555']);
    expect(connect(undefined, 'connect')).toEqual(['tcp://127.0.0.1:5555']);
  });

  it.each([
    'tcp://127.0.0.1:5555',
    'tcp://localhost:1',
    'tcp://my-host.example_1.org:65535',
    'tcp://[::1]:5555',
    'tcp://[FE80::1%eth0]:5555',
    'ipc:///tmp/service.sock',
    'ipc://relative.sock',
    `ipc://${longestPath}`,
    'inproc://name',
  ])('may be %s for a server and a client', endpoint => {
    expect(bind(endpoint, 'bind')).toEqual([endpoint]);
    expect(connect([endpoint], 'connect')).toEqual([endpoint]);
  });

  it.each([
    'tcp://127.0.0.1',
    'tcp://127.0.0.1:',
    'tcp://:5555',
    'tcp://127.0.0.1:65536',
    'tcp://127.0.0.1:-1',
    'tcp://127.0.0.1:5555/path',
    'tcp://127.0.0.1:5555\n',
    'tcp://a b:5555',
    'TCP://127.0.0.1:5555',
    'tcp://::1:5555',
    'http://127.0.0.1:5555',
    'udp://127.0.0.1:5555',
    'pgm://eth0;239.0.0.1:5555',
    '127.0.0.1:5555',
    '',
    'ipc://',
    `ipc://${longestPath}x`,
    `ipc:///${'é'.repeat(54)}`,
    'ipc:///a\0b',
    'inproc://',
    'inproc://with space',
    null,
    5555,
    {},
    ['tcp://127.0.0.1:5555'],
  ])('are refused when one is %j, naming the option', endpoint => {
    for (const attempt of [() => bind([endpoint], 'options.bind'), () => connect([endpoint], 'options.bind')]) {
      const { code, message } = refusalOf(attempt);
      expect(code).toBe('INVALID_OPTIONS');
      expect(message).toContain('options.bind');
    }
  });

  it.each([
    ['tcp://127.0.0.1:0', 'tcp://127.0.0.1:*'],
    ['tcp://127.0.0.1:00', 'tcp://127.0.0.1:*'],
    ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*'],
    ['tcp://*:5555', 'tcp://*:5555'],
    ['tcp://*:*', 'tcp://*:*'],
  ])('of a server may leave host or port open: %s', (endpoint, bound) => {
    expect(bind(endpoint, 'bind')).toEqual([bound]);
    expect(refusalOf(() => connect('tcp://*:5555', 'connect')).message).toContain(
      'connect must name a host and a port',
    );
  });

  it.each(['tcp://127.0.0.1:0', 'tcp://127.0.0.1:00', 'tcp://127.0.0.1:*', 'tcp://*:5555'])(
    'of a client must be complete, so it refuses %s',
    endpoint => {
      expect(refusalOf(() => connect(endpoint, 'connect')).message).toContain('connect must name a host and a port');
    },
  );

  it('are from 1 to 256', () => {
    const many = Array.from({ length: 257 }, (_, index) => `inproc://${index}`);
    expect(bind(many.slice(1), 'bind')).toHaveLength(256);
    expect(refusalOf(() => bind(many, 'bind')).message).toContain('from 1 to 256 endpoints, but has 257');
    expect(refusalOf(() => bind([], 'bind')).message).toContain('has 0');
  });

  it('must differ, except where the port is free to choose', () => {
    expect(refusalOf(() => bind(['inproc://a', 'inproc://b', 'inproc://a'], 'bind')).message).toContain('twice');
    const open = ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*', 'inproc://a'];
    expect(bind(open, 'bind')).toEqual(open);
    expect(refusalOf(() => bind([...open, 'inproc://a'], 'bind')).message).toContain('twice');
  });

  it('are copied and frozen', () => {
    const given = ['inproc://a'];
    const resolved = bind(given, 'bind');
    expect(resolved).not.toBe(given);
    expect(Object.isFrozen(resolved)).toBe(true);
    expect(Object.isFrozen(connect(given, 'connect'))).toBe(true);
    expect(Object.isFrozen(given)).toBe(false);
  });
});

describe('isIPv6Endpoint', () => {
  it.each([
    ['tcp://[::1]:5555', true],
    ['tcp://[::]:*', true],
    ['tcp://127.0.0.1:5555', false],
    ['tcp://*:5555', false],
    ['ipc:///tmp/[::1]', false],
    ['inproc://[::1]:1', false],
  ])('of %s is %s', (endpoint, expected) => {
    expect(isIPv6Endpoint(endpoint)).toBe(expected);
  });
});

describe('isExposed', () => {
  it.each([
    ['tcp://127.0.0.1:5555', false],
    ['tcp://127.8.9.10:5555', false],
    ['tcp://localhost:5555', false],
    ['tcp://[::1]:5555', false],
    ['ipc:///run/app.sock', false],
    ['inproc://app', false],
    ['tcp://0.0.0.0:5555', true],
    ['tcp://*:5555', true],
    ['tcp://[::]:5555', true],
    ['tcp://10.0.0.1:5555', true],
    ['tcp://127.0.0.1.example.com:5555', true],
  ])('of %s is %s', (endpoint, expected) => {
    expect(isExposed(endpoint)).toBe(expected);
  });
});
