import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../../../lib/cli/gate/gate-settings.js';
import { withTlsFlags } from '../../../../lib/cli/gate/tls-flags.js';

const FORWARD = { forward: 'ipc:///run/app.sock' };
const TLS = { certFile: 'server.pem', keyFile: 'server.key' };
const SECRET = Buffer.alloc(32, 'secret').toString('base64url');

function listenersOf(config: object) {
  return resolveSettings({ ...FORWARD, ...config }, {}).listen;
}

describe('the listeners of the gate program', () => {
  it('may be texts and objects, and take over what goes for all', () => {
    const listen = [
      'tls://0.0.0.0:1',
      { endpoint: 'tcp://127.0.0.1:2', name: 'local', mechanism: 'NULL', anonymous: true },
    ];
    expect(listenersOf({ listen, tls: TLS, mechanism: 'PLAIN' })).toMatchObject([
      { endpoint: 'tls://0.0.0.0:1', mechanism: 'PLAIN', anonymous: false, tls: { cert: { file: 'server.pem' } } },
      { endpoint: 'tcp://127.0.0.1:2', name: 'local', mechanism: 'NULL', anonymous: true, tls: undefined },
    ]);
  });

  it('take networks for all where they have none of their own to allow, and deny both', () => {
    const own = { endpoint: 'tcp://127.0.0.1:2', allow: '192.0.2.0/24', deny: '192.0.2.1' };
    expect(listenersOf({ listen: ['tcp://127.0.0.1:1', own], allow: '10.0.0.0/8', deny: '10.0.0.1' })).toMatchObject([
      { allow: ['10.0.0.0/8'], deny: ['10.0.0.1/32'] },
      { allow: ['192.0.2.0/24'], deny: ['10.0.0.1/32', '192.0.2.1/32'] },
    ]);
  });

  it.each([
    [{ listen: [{ endpoint: 'ipc:///tmp/x' }] }, 'config.listen must be tcp://host:port or tls://host:port'],
    [{ listen: 'inproc://x' }, 'config.listen must be tcp://host:port or tls://host:port'],
    [
      { listen: [{ endpoint: 'tcp://127.0.0.1:1', mechanism: 'CURVE' }] },
      'tcp://127.0.0.1:1 cannot have CURVE: libzmq alone',
    ],
    [{ listen: { endpoint: 'tcp://127.0.0.1:1', gate: { maxFrames: 3 } } }, 'has limits of its own'],
    [{ listen: { endpoint: 'tcp://127.0.0.1:1', port: 3 } }, "config.listen has no option 'port'"],
    [{ listen: 'tls://127.0.0.1:1' }, 'config.listen: tls://127.0.0.1:1 needs a certificate: --tls-cert'],
    [{ listen: { endpoint: 'tcp://127.0.0.1:1', tls: TLS } }, 'config.listen: tcp://127.0.0.1:1 has tls'],
    [{ listen: 'tcp://127.0.0.1:1', tls: TLS }, 'config.listen has no tls:// endpoint'],
    [
      {
        listen: [
          { endpoint: 'tcp://127.0.0.1:1', name: 'a' },
          { endpoint: 'tcp://127.0.0.1:2', name: 'a' },
        ],
      },
      "config.listen has two listeners named 'a'",
    ],
    [
      { listen: ['tcp://127.0.0.1:*', { endpoint: 'tcp://127.0.0.1:*', deny: '10.0.0.0/8' }] },
      'config.listen has tcp://127.0.0.1:* several times, not always with the same options',
    ],
    [
      { listen: 'tcp://127.0.0.1:1', mechanism: 'PLAIN', anonymous: true },
      'config.listen: tcp://127.0.0.1:1 has PLAIN',
    ],
  ])('that are wrong are named: %j', (config, message) => {
    expect(() => listenersOf(config)).toThrow(message);
  });

  it('of any port may be several where they are alike', () => {
    expect(listenersOf({ listen: ['tcp://127.0.0.1:*', 'tcp://127.0.0.1:*'] })).toHaveLength(2);
  });
});

describe('identities of the gate program', () => {
  it.each([
    [{ signingKey: SECRET }, "config.identities['ann'].signingKey has no effect here"],
    [{ curveKey: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7' }, "config.identities['ann'].curveKey has no effect here"],
  ])('have no keys that it has no use for, and errors do not show them: %#', (identity, message) => {
    const load = () => listenersOf({ listen: 'tcp://127.0.0.1:1', identities: { ann: identity } });
    expect(load).toThrow(message);
    expect(load).not.toThrow(SECRET);
  });
});

describe('the flags of TLS', () => {
  it('replace single parts of the group in the config file', () => {
    const config = { tls: { cert: 'inline', keyFile: 'old.key', passphrase: 'p', caFile: 'ca.pem' }, type: 'rep' };
    expect(withTlsFlags(config, { certFile: 'new.pem', keyFile: 'new.key' })).toEqual({
      tls: { certFile: 'new.pem', keyFile: 'new.key', passphrase: 'p', caFile: 'ca.pem' },
      type: 'rep',
    });
  });

  it.each([[undefined], [{ type: 'rep' }]])('make the group where there is none: %j', config => {
    expect(withTlsFlags(config, TLS)).toEqual({ ...config, tls: TLS });
  });

  it.each([[[]], ['text'], [{ tls: 3 }], [{ type: 'rep' }]])(
    'leave to others what is wrong or not theirs: %j',
    config => {
      expect(withTlsFlags(config, 'type' in Object(config) ? {} : TLS)).toBe(config);
    },
  );
});
