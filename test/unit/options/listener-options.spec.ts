import { describe, expect, it } from 'vitest';
import { resolveServerOptions, type ZmqServerOptions } from '../../../lib/options/server-options.js';
import { isDeeplyFrozen } from '../../support/option-bounds.js';
import { refusalOf } from '../../support/refusal.js';

const TLS = { certFile: 'server.pem', keyFile: 'server.key' };
const CURVE = { secretKey: 'JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6' };
const TCP = 'tcp://127.0.0.1:5555';
const OTHER = 'tcp://127.0.0.1:5556';

const listeners = (options: object) => resolveServerOptions(options as ZmqServerOptions).bind;
const only = (options: object) => {
  const [listener] = listeners(options);
  if (listener === undefined) {
    throw new Error('There is no listener');
  }
  return listener;
};
const refusal = (options: object) => {
  const { code, message } = refusalOf(() => listeners(options));
  return `${code}: ${message}`;
};

describe('bind', () => {
  it('may be one endpoint or listener, or several of both', () => {
    const forms = [TCP, [TCP], { endpoint: TCP }, [{ endpoint: TCP }]];
    expect(forms.map(bind => only({ bind }))).toEqual(forms.map(() => only({ bind: TCP })));
    expect(listeners({ bind: [TCP, { endpoint: OTHER, name: 'b' }] }).map(({ name }) => name)).toEqual([TCP, 'b']);
  });

  it('is open to everybody in all that is not said, and frozen', () => {
    const listener = only({ bind: TCP });
    expect(listener).toEqual({
      endpoint: TCP,
      name: TCP,
      engine: 'gate',
      mechanism: 'NULL',
      tls: undefined,
      anonymous: undefined,
      allow: [],
      deny: [],
      roles: [],
      admit: [],
      gate: undefined,
      ownGate: undefined,
    });
    expect(isDeeplyFrozen(listener)).toBe(true);
  });

  it('takes all that a listener can have', () => {
    const given = { name: 'plant', allow: '10.0.0.0/8', deny: ['10.1.0.0/16'], roles: 'a', admit: ['a', 'b'] };
    expect(only({ bind: { endpoint: TCP, anonymous: false, ...given } })).toMatchObject({
      name: 'plant',
      anonymous: false,
      allow: ['10.0.0.0/8'],
      deny: ['10.1.0.0/16'],
      roles: ['a'],
      admit: ['a', 'b'],
    });
  });

  it('has limits of its own beside those of the server, and keeps to them if what was given is changed later', () => {
    const gate = { maxFrames: 3, policies: { noise: 'ban' } };
    const listener = only({ bind: { endpoint: TCP, gate }, gate: { maxFrames: 9, acceptRate: 7 } });
    gate.maxFrames = 1;
    gate.policies.noise = 'tarpit';
    expect(listener.gate).toMatchObject({ maxFrames: 3, acceptRate: 7, policies: { noise: 'ban' } });
    expect(listener.ownGate).toEqual({ maxFrames: 3, policies: { noise: 'ban' } });
  });

  it('numbers listeners of any port whose text is the same, and has no two of one name', () => {
    const any = 'tcp://127.0.0.1:*';
    expect(listeners({ bind: [any, any] }).map(({ name }) => name)).toEqual([any, `${any} (2)`]);
    const named = (...names: string[]) => names.map((name, at) => ({ endpoint: `tcp://127.0.0.1:${at + 1}`, name }));
    expect(refusal({ bind: named('a', 'b', 'a') })).toContain("bind has two listeners named 'a'");
    expect(refusal({ bind: [any, any, ...named('a', 'a')] })).toContain("bind has two listeners named 'a'");
    const borrowed = listeners({ bind: [TCP, { endpoint: OTHER, name: TCP }] });
    expect(borrowed.map(({ name }) => name)).toEqual([`${TCP} (2)`, TCP]);
  });

  it.each<[bind: unknown, message: string]>([
    [[], 'bind must have from 1 to 256 endpoints, but has 0'],
    [null, 'bind must be an object, but is null'],
    [[TCP, null], 'bind[1] must be an object, but is null'],
    [[[TCP]], 'bind[0] must be an object, but is an array'],
    [7, 'bind.endpoint must be an endpoint such as'],
    [[TCP, 7], 'bind[1].endpoint must be an endpoint such as'],
    [{}, "bind.endpoint must be an endpoint such as 'tcp://127.0.0.1:5555', but is undefined"],
    [{ endpoint: [TCP] }, 'bind.endpoint must be an endpoint such as'],
    [{ endpoint: 'http://a:1' }, 'bind must be tcp://host:port, tls://host:port, ipc://path (at most 107 bytes)'],
    [[TCP, { endpoint: TCP }], 'bind names the same endpoint twice'],
    [{ endpoint: TCP, name: '' }, "bind.name must be a text of 1 to 64 characters, but is ''"],
    [{ endpoint: TCP, name: 'x'.repeat(65) }, 'bind.name must be'],
    [{ endpoint: TCP, name: 'a\nb' }, 'bind.name must be'],
    [{ endpoint: TCP, name: 7 }, 'bind.name must be a text of 1 to 64 characters, but is 7'],
    [{ endpoint: TCP, mechanism: 'GSSAPI' }, 'bind.mechanism must be one of NULL, PLAIN, CURVE'],
    [{ endpoint: TCP, anonymous: 'no' }, 'bind.anonymous must be true or false'],
    [{ endpoint: TCP, allow: '10.0.0.1/8' }, 'bind.allow has bits beyond its prefix'],
    [[{ endpoint: TCP, deny: ['x'] }], 'bind[0].deny[0] must be an IP address or a network'],
    [{ endpoint: TCP, roles: ['a b'] }, 'bind.roles[0] must be a role'],
    [{ endpoint: TCP, admit: 7 }, 'bind.admit must be a role'],
    [{ endpoint: TCP, gate: { maxFrames: 1 } }, 'bind.gate.maxFrames must be a whole number from 2'],
    [{ endpoint: TCP, gate: { frames: 1 } }, "bind.gate has no option 'frames'"],
    [{ endpoint: TCP, gate: null }, 'bind.gate must be an object, but is null'],
    [{ endpoint: TCP, tls: { certFile: 'a' } }, 'bind.tls.key or keyFile must be given'],
    [{ endpoint: TCP, curve: CURVE }, "bind has no option 'curve'"],
  ])('refuses %j: %s', (bind, message) => {
    expect(refusal({ bind })).toContain(`INVALID_OPTIONS: ServerZmq options.${message}`);
  });

  it.each<[what: string, options: object]>([
    ['the group tls', { bind: { endpoint: 'tls://*:1', tls: CURVE.secretKey } }],
    ['the group curve', { bind: TCP, curve: CURVE.secretKey }],
    ['the group gate', { bind: { endpoint: TCP, gate: CURVE.secretKey } }],
  ])('does not show a key in the place of %s', (_, options) => {
    const message = refusal(options);
    expect(message).toContain('must be an object, but is a text.');
    expect(message).not.toContain(CURVE.secretKey.slice(0, 6));
  });
});

describe('a listener and its server', () => {
  it.each<[options: object, engine: string]>([
    [{ bind: TCP }, 'gate'],
    [{ bind: TCP, engine: 'zeromq' }, 'zeromq'],
    [{ bind: 'tls://*:1', tls: TLS, engine: 'zeromq' }, 'gate'],
    [{ bind: 'ipc:///tmp/a' }, 'zeromq'],
    [{ bind: 'inproc://a' }, 'zeromq'],
    [{ bind: TCP, curve: CURVE }, 'zeromq'],
    [{ bind: TCP, mechanism: 'PLAIN' }, 'gate'],
  ])('are carried by what can carry them: %j by %s', (options, engine) => {
    expect(only(options).engine).toBe(engine);
  });

  it.each<[server: object, endpoint: string, mechanism: string]>([
    [{}, TCP, 'NULL'],
    [{ curve: CURVE }, TCP, 'CURVE'],
    [{ curve: CURVE }, 'ipc:///tmp/a', 'CURVE'],
    [{ curve: CURVE }, 'inproc://a', 'NULL'],
    [{ curve: CURVE, tls: TLS }, 'tls://*:1', 'NULL'],
    [{ curve: CURVE, mechanism: 'NULL' }, TCP, 'NULL'],
    [{ curve: CURVE, mechanism: 'CURVE' }, TCP, 'CURVE'],
    [{ mechanism: 'PLAIN' }, TCP, 'PLAIN'],
    [{ mechanism: 'PLAIN', tls: TLS }, 'tls://*:1', 'PLAIN'],
    [{ mechanism: 'PLAIN' }, 'inproc://a', 'NULL'],
  ])('have the mechanism of the server where the endpoint can have it: %j gives %s %s', (server, bind, mechanism) => {
    expect(only({ ...server, bind }).mechanism).toBe(mechanism);
  });

  it('may each have a mechanism, a certificate and a rule for the unnamed of their own', () => {
    const server = { curve: CURVE, tls: TLS, anonymous: false };
    const own = { tls: { certFile: 'b.pem', keyFile: 'b.key' }, anonymous: true };
    const bind = ['tls://*:1', { endpoint: 'tls://*:2', ...own }, { endpoint: TCP, mechanism: 'NULL' }];
    const found = listeners({ ...server, bind });
    expect(found.map(({ tls, anonymous, mechanism }) => [tls?.cert.file, anonymous, mechanism])).toEqual([
      ['server.pem', false, 'NULL'],
      ['b.pem', true, 'NULL'],
      [undefined, false, 'NULL'],
    ]);
  });

  it('let in nobody unnamed with PLAIN', () => {
    expect(only({ bind: { endpoint: TCP, mechanism: 'PLAIN' } }).anonymous).toBe(false);
  });

  it.each<[options: object, message: string]>([
    [{ bind: 'tls://*:1' }, 'bind: tls://*:1 needs a certificate: ServerZmq options.tls, or tls of the listener.'],
    [{ bind: { endpoint: TCP, tls: TLS } }, `bind: ${TCP} has tls, which tls:// endpoints alone can have.`],
    [
      { bind: { endpoint: 'tls://*:1', mechanism: 'CURVE' }, tls: TLS, curve: CURVE },
      'bind: tls://*:1 cannot have CURVE',
    ],
    [{ bind: { endpoint: TCP, mechanism: 'CURVE' } }, `bind: ${TCP} needs a key for CURVE: ServerZmq options.curve.`],
    [{ bind: TCP, mechanism: 'CURVE' }, "curve must be given with mechanism 'CURVE'."],
    [{ bind: { endpoint: TCP, mechanism: 'PLAIN', anonymous: true } }, `bind: ${TCP} has PLAIN, which lets in nobody`],
    [{ bind: TCP, mechanism: 'PLAIN', anonymous: true }, `bind: ${TCP} has PLAIN, which lets in nobody`],
    [
      { bind: { endpoint: TCP, gate: {} }, curve: CURVE },
      `bind: ${TCP} has limits of the gate, but is carried by libzmq.`,
    ],
    [{ bind: { endpoint: 'ipc:///tmp/a', gate: {} } }, 'bind: ipc:///tmp/a has limits of the gate'],
    [{ bind: { endpoint: 'inproc://a', mechanism: 'PLAIN' } }, 'bind: inproc://a is within this process'],
    [{ bind: { endpoint: 'inproc://a', allow: '::1' } }, 'bind: inproc://a is within this process'],
    [{ bind: { endpoint: 'inproc://a', deny: '::1' } }, 'bind: inproc://a is within this process'],
    [
      { bind: { endpoint: 'ipc:///tmp/a', allow: '::1' } },
      'bind: ipc:///tmp/a has no network addresses for allow or deny',
    ],
    [
      { bind: { endpoint: 'ipc:///tmp/a', deny: '::1' } },
      'bind: ipc:///tmp/a has no network addresses for allow or deny',
    ],
    [
      { bind: { endpoint: TCP, gate: { heartbeatInterval: 50_000 } }, gate: { heartbeatTimeout: 40_000 } },
      'bind.gate.heartbeatTimeout (40000) must be longer than heartbeatInterval (50000)',
    ],
  ])('that contradict each other are refused: %j: %s', (options, message) => {
    expect(refusal(options)).toContain(`INVALID_OPTIONS: ServerZmq options.${message}`);
  });
});
