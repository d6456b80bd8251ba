import { describe, expect, it } from 'vitest';
import { resolveSettings } from '../../../../lib/cli/gate/gate-settings.js';
import { differences, settingsChanges, withRulesOf } from '../../../../lib/cli/gate/settings-changes.js';
import { inspect } from 'node:util';

const PEM = (text: string) => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`;
const BASE = { listen: [{ endpoint: 'tls://127.0.0.1:1', name: 'devices' }], forward: 'ipc:///a' };
const TLS = { cert: PEM('cert'), key: PEM('key-one') };

function changes(before: object, after: object) {
  return settingsChanges(
    resolveSettings({ ...BASE, tls: TLS, ...before }, {}),
    resolveSettings({ ...BASE, tls: TLS, ...after }, {}),
  );
}

describe('differences between settings', () => {
  it('are told by path, old and new value', () => {
    const before = { rate: { messages: 10, bytes: 5 }, list: ['a'], same: 1 };
    const after = { rate: { messages: 20, bytes: 5 }, list: ['b'], same: 1 };
    expect(differences(before, after, 'gate.')).toEqual(['gate.rate.messages: 10 → 20', 'gate.list.0: a → b']);
  });

  it('are also what has been added and what has been taken away', () => {
    expect(differences({ list: ['a', 'b'] }, { list: ['a'] })).toEqual(['list.1: b → none']);
    expect(differences({ list: [] }, { list: ['a'] })).toEqual(['list.0: none → a']);
  });
});

describe('changes of the settings of a gate', () => {
  it('are in force at once for limits, access lists and identities', () => {
    const before = { identities: { ann: {}, bob: { roles: 'device' } } };
    const after = { gate: { maxFrames: 3 }, deny: '10.0.0.0/8', identities: { bob: { roles: 'other' }, cy: {} } };
    expect(changes(before, after)).toEqual({
      changed: [
        'gate.maxFrames: 16 → 3',
        'listen.0.deny.0: none → 10.0.0.0/8',
        'identities.ann: removed',
        'identities.bob: changed',
        'identities.cy: added',
      ],
      ignored: [],
    });
  });

  it('need a restart where they are of anything else', () => {
    const listen = [{ endpoint: 'tls://127.0.0.1:2', name: 'devices', admit: 'device' }];
    expect(changes({}, { type: 'pull', listen, allowInsecure: true })).toEqual({
      changed: [],
      ignored: [
        'type: router → pull',
        'allowInsecure: false → true',
        'listen.0.endpoint: tls://127.0.0.1:1 → tls://127.0.0.1:2',
        'listen.0.admit.0: none → device',
      ],
    });
  });

  it('of a certificate are named without a word of it', () => {
    const found = changes({}, { tls: { ...TLS, key: PEM('key-two') } });
    expect(found).toEqual({ changed: [], ignored: ['listen.0.tls'] });
    expect(inspect(found)).not.toContain('key-');
  });

  it('of thousands of entries are cut short', () => {
    const deny = Array.from({ length: 1_000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const { changed } = changes({}, { deny });
    expect(changed).toHaveLength(51);
    expect(changed.at(-1)).toBe('950 more');
  });
});

describe('the access lists of other settings', () => {
  it('go to the listeners of the same names, and others keep theirs', () => {
    const one = { endpoint: 'tcp://127.0.0.1:1', name: 'one', deny: '10.0.0.1' };
    const two = { endpoint: 'tcp://127.0.0.1:2', name: 'two', deny: '10.0.0.2' };
    const { listen } = resolveSettings({ forward: 'ipc:///a', listen: [one, two] }, {});
    const others = resolveSettings(
      { forward: 'ipc:///a', listen: [{ ...two, deny: '10.0.0.3', allow: '10.0.0.0/8' }] },
      {},
    );
    expect(withRulesOf(listen, others.listen)).toMatchObject([
      { name: 'one', allow: [], deny: ['10.0.0.1/32'] },
      { name: 'two', allow: ['10.0.0.0/8'], deny: ['10.0.0.3/32'] },
    ]);
  });
});
