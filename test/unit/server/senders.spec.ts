import { describe, expect, it } from 'vitest';
import { identityOptions, type ZmqIdentityOptions } from '../../../lib/options/identity-options.js';
import { IdentityTable } from '../../../lib/security/identity-table.js';
import { Peer } from '../../../lib/server/peer.js';
import { haveSigners, NEVER_SIGNED, Senders, withoutSignature } from '../../../lib/server/senders.js';
import { BudgetAccount } from '../../../lib/limits/peer-account.js';
import { BatchCursor } from '../../../lib/wire/batch-cursor.js';
import { IncomingPacket, type OutgoingPacket } from '../../../lib/wire/packet.js';
import { createBudget } from '../../support/peers.js';
import type { ZmqPeer } from '../../../lib/pipeline/zmq.context.js';
import { batchOf, eventPacket, requestPacket } from '../../support/raw-peer.js';
import { signed, signingKey, type SignedBy } from '../../support/signatures.js';
import { LIMITS } from '../../support/wire.js';

const SERVER = 'server-1';
/** Of the listener, and of press-7. */
const ROLES = ['local', 'machine', 'press'];
const PRESS: SignedBy = { name: 'press-7', key: signingKey(1), serverId: SERVER };
const IDENTITIES: Readonly<Record<string, ZmqIdentityOptions>> = {
  'press-7': { signingKey: [signingKey(1), signingKey(2)], roles: ['press', 'machine'] },
  'oven-1': { signingKey: signingKey(3), addresses: '10.0.0.0/8' },
  'no key': { curveKey: 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7', roles: 'admin' },
};
const NOT_ACCEPTED = { code: 'UNAUTHENTICATED', message: 'The signature was not accepted.' };

interface Settings {
  readonly required?: boolean;
  readonly maxNonces?: number;
  readonly identities?: Readonly<Record<string, ZmqIdentityOptions>>;
  readonly address?: string | undefined;
}

function setup({ required = false, maxNonces = 1_000, identities = IDENTITIES, address }: Settings = {}) {
  let resolved = identityOptions(identities, 'identities');
  let table = new IdentityTable(resolved);
  const peer = new Peer({
    id: 'a',
    binary: true,
    maxReplySize: 1_024,
    account: new BudgetAccount(createBudget()),
    origin: {
      listener: 'inner',
      mechanism: 'NULL',
      address,
      identity: { name: 'gateway', roles: ['forwarder'] },
      listenerRoles: ['local', 'machine'],
      certificate: undefined,
    },
    now: 0,
    onOverflow: () => undefined,
  });
  const senders = new Senders({
    signatures: { required, window: 30_000, maxNonces },
    hasSigners: () => haveSigners(resolved),
    signer: name => table.byName(name),
  });
  const packetOf = (outgoing: OutgoingPacket) => {
    const packet = new BatchCursor([batchOf(outgoing)], LIMITS).next();
    if (!(packet instanceof IncomingPacket)) {
      throw new Error('malformed');
    }
    return packet;
  };
  const ask = (packet: IncomingPacket) => senders.senderOf(packet, { peer, serverId: SERVER, maxSize: 100 });
  const replace = (others: Readonly<Record<string, ZmqIdentityOptions>>) => {
    resolved = identityOptions(others, 'identities');
    table = new IdentityTable(resolved);
  };
  return { peer, senders, packetOf, ask, replace, senderOf: (outgoing: OutgoingPacket) => ask(packetOf(outgoing)) };
}

const request = (metadata = '') => Object.assign(requestPacket(1, 'sum', [1, 2], { timeoutMs: 5 }), { metadata });

describe('the sender of a message', () => {
  it('is whoever the connection belongs to where nothing is signed', () => {
    const { peer, senderOf } = setup();
    expect(senderOf(request())).toBe(peer.identity);
    expect(senderOf(request('{"a":"zmq-signature"}'))).toBe(peer.identity);
    expect(senderOf(request('{"a":"\\"zmq-signature\\":\\"x\\""}'))).toBe(peer.identity);
    expect(peer.identity).toMatchObject({ identity: 'gateway', roles: ['local', 'machine', 'forwarder'] });
  });

  it('is whoever has signed it, and not who made the connection, with the roles of the signer and of the listener', () => {
    const { senderOf, peer } = setup();
    const sender = senderOf(signed(request(), PRESS));
    expect(sender).toEqual({ ...peer.identity, identity: 'press-7', roles: ROLES });
    expect([Object.isFrozen(sender), Object.isFrozen('roles' in sender && sender.roles)]).toEqual([true, true]);
  });

  it('is the same object each time, so that what is decided of it can be remembered', () => {
    const { senderOf } = setup();
    const [first, second] = [PRESS, { ...PRESS, key: signingKey(2) }].map(by => senderOf(signed(request(), by)));
    expect(first).toBe(second);
  });

  it.each([
    ['{"tenant":"a"}', '{"tenant":"a"}'],
    ['{}', undefined],
    ['', undefined],
  ])('leaves no trace of the signature in the metadata: %s', (metadata, left) => {
    const { packetOf, ask } = setup();
    const packet = packetOf(signed(request(metadata), PRESS));
    ask(packet);
    expect(packet.metadata?.toString()).toBe(left);
  });

  it('is told of events as well', () => {
    const { senderOf } = setup();
    expect(senderOf(signed(eventPacket('heard', {}), PRESS))).toMatchObject({ identity: 'press-7' });
  });

  it.each<[string, string, () => OutgoingPacket]>([
    ['wrong', 'another key', () => signed(request(), { ...PRESS, key: signingKey(9) })],
    ['wrong', 'another server', () => signed(request(), { ...PRESS, serverId: 'server-2' })],
    ['wrong', 'another pattern', () => Object.assign(signed(request(), PRESS), { pattern: 'product' })],
    ['wrong', 'another timeout', () => Object.assign(signed(request(), PRESS), { timeoutMs: 6 })],
    ['unknown', 'nobody’s name', () => signed(request(), { ...PRESS, name: 'stranger' })],
    ['unknown', 'the name of somebody without a key', () => signed(request(), { ...PRESS, name: 'no key' })],
    ['expired', 'a clock that is slow', () => signed(request(), { ...PRESS, fast: -31_000 })],
    ['expired', 'a clock that is fast', () => signed(request(), { ...PRESS, fast: 31_000 })],
    ['malformed', 'something else', () => request('{"zmq-signature":5}')],
    ['malformed', 'a signature that is not the last', () => request('{"zmq-signature":"1.x","a":"b"}')],
  ])('is not known by a signature that is %s: of %s', (problem, _of, create) => {
    const { senderOf } = setup();
    expect(senderOf(create())).toEqual({ problem, error: NOT_ACCEPTED });
  });

  it('is not known by a signature that has been used', () => {
    const { packetOf, ask } = setup();
    const bytes = signed(request(), PRESS);
    const [first, again] = [packetOf(bytes), packetOf(bytes)];
    expect(ask(first)).toMatchObject({ identity: 'press-7' });
    expect(ask(again)).toEqual({ problem: 'replayed', error: NOT_ACCEPTED });
  });

  it.each<[string | undefined, object]>([
    ['10.1.2.3', { identity: 'oven-1' }],
    ['11.1.2.3', { problem: 'wrong-address', error: NOT_ACCEPTED }],
    [undefined, { problem: 'wrong-address', error: NOT_ACCEPTED }],
  ])('may have to be at one of its addresses: at %s', (address, expected) => {
    const { senderOf } = setup({ address });
    expect(senderOf(signed(request(), { ...PRESS, name: 'oven-1', key: signingKey(3) }))).toMatchObject(expected);
  });

  it('is not looked for in a payload that is too large', () => {
    const { senderOf } = setup();
    const large = requestPacket(1, 'sum', 'x'.repeat(100));
    expect(senderOf(signed(large, { ...PRESS, key: signingKey(9) }))).toMatchObject({
      problem: 'too-large',
      error: { code: 'PAYLOAD_TOO_LARGE', details: { limit: 100, actual: 102 } },
    });
  });

  it('may be sent away when more have signed than can be remembered', () => {
    const { senderOf } = setup({ maxNonces: 1 });
    senderOf(signed(request(), PRESS));
    expect(senderOf(signed(request(), PRESS))).toMatchObject({ problem: 'busy', error: { code: 'OVERLOADED' } });
  });

  it('goes by the keys that there are now', () => {
    const { senderOf, replace } = setup();
    replace({ 'press-7': { signingKey: signingKey(2), roles: 'new' } });
    expect(senderOf(signed(request(), PRESS))).toMatchObject({ problem: 'wrong' });
    const roles = [...ROLES.slice(0, -1), 'new'];
    expect(senderOf(signed(request(), { ...PRESS, key: signingKey(2) }))).toMatchObject({ roles });
  });

  it('is looked at again when the request has waited: who signed may have other roles by then, or may sign no more', () => {
    const { senderOf, senders, peer, replace } = setup();
    const sender = senderOf(signed(request(), PRESS));
    expect('error' in sender).toBe(false);
    replace({ 'press-7': { signingKey: signingKey(1), roles: 'new' } });
    expect(senders.renewed(sender as ZmqPeer, peer)).toMatchObject({
      identity: 'press-7',
      roles: [...ROLES.slice(0, -1), 'new'],
    });
    replace({});
    expect(senders.renewed(sender as ZmqPeer, peer)).toMatchObject({ problem: 'unknown' });
    expect(senders.renewed(peer.identity, peer)).toBe(peer.identity);
  });

  it('takes no notice of signatures where nobody has a key', () => {
    const { peer, senderOf } = setup({ identities: {} });
    expect(senderOf(signed(request(), PRESS))).toBe(peer.identity);
  });

  it('must have signed where that is required', () => {
    const { senderOf } = setup({ required: true });
    const refusal = { problem: 'missing', error: { code: 'UNAUTHENTICATED' } };
    expect([senderOf(request()), senderOf(request('{"a":"b"}'))]).toMatchObject([refusal, refusal]);
    expect(senderOf(signed(request(), PRESS))).toMatchObject({ identity: 'press-7' });
    expect(NEVER_SIGNED.error.message).toContain('JSON mode');
  });

  it('is nobody where a signature is required and nobody has a key', () => {
    const { senderOf } = setup({ required: true, identities: {} });
    expect(senderOf(signed(request(), PRESS))).toMatchObject({ problem: 'unknown' });
  });
});

describe('metadata', () => {
  it('have nothing in them that looks like a signature', () => {
    const plain = { a: 'b' };
    expect(withoutSignature(plain)).toBe(plain);
    expect(withoutSignature({ 'zmq-signature': 'x', a: 'b' })).toEqual(plain);
    expect(withoutSignature(undefined)).toBeUndefined();
  });
});
