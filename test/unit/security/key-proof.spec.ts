import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { Secret } from '../../../lib/options/secret.js';
import { agreedSecret, decodeKey, encodeKey } from '../../../lib/security/curve-keys.js';
import { createKeyProof, KeyProofs, type KeyProof } from '../../../lib/security/key-proof.js';

const server = curveKeyPair();
const client = curveKeyPair();
const connectionId = Buffer.from('0102030405', 'hex');
const NOW = 1_750_000_000_000;

function checker(options: { maxNonces?: number } = {}) {
  const clock = { now: NOW };
  const proofs = new KeyProofs({ secretKey: new Secret(server.secretKey), now: () => clock.now, ...options });
  return { clock, proofs };
}

function proof(changes: { secretKey?: string; serverKey?: string; now?: number; nonce?: Buffer } = {}): KeyProof {
  return createKeyProof({
    secretKey: client.secretKey,
    serverKey: server.publicKey,
    connectionId,
    now: NOW,
    ...changes,
  });
}

describe('KeyProofs', () => {
  it('tells the public key of whoever has its secret key', () => {
    expect(checker().proofs.verify(proof(), connectionId)).toEqual({ ok: true, publicKey: client.publicKey });
  });

  it('takes a proof that has been through JSON', () => {
    const text = JSON.stringify(proof());
    expect(checker().proofs.verify(JSON.parse(text), connectionId).ok).toBe(true);
  });

  it('takes what is made by the description of the protocol', () => {
    const nonce = Buffer.alloc(16, 7);
    const agreed = agreedSecret({ secretKey: client.secretKey, publicKey: server.publicKey }) as Buffer;
    const salt = Buffer.concat([decodeKey(server.publicKey), decodeKey(client.publicKey)]);
    const macKey = Buffer.from(hkdfSync('sha256', agreed, salt, 'nestjs-zeromq key proof 1', 32));
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(NOW));
    const text = Buffer.concat([Buffer.from('nestjs-zeromq key proof 1\0\0\x05'), connectionId, time, nonce]);
    const mac = createHmac('sha256', macKey).update(text).digest('base64url');
    const made = { key: client.publicKey, time: NOW, nonce: nonce.toString('base64url'), mac };
    expect(proof({ nonce })).toEqual(made);
    expect(checker().proofs.verify(made, connectionId).ok).toBe(true);
  });

  it('takes a proof once', () => {
    const { proofs } = checker();
    const made = proof();
    proofs.verify(made, connectionId);
    expect(proofs.verify(made, connectionId)).toEqual({ ok: false, failure: 'replayed' });
  });

  it('knows a nonce again in another spelling', () => {
    const { proofs } = checker();
    const made = proof({ nonce: Buffer.alloc(16) });
    proofs.verify(made, connectionId);
    // The last character has four bits to spare, which decoding ignores.
    const respelt = { ...made, nonce: `${'A'.repeat(21)}B` };
    expect(proofs.verify(respelt, connectionId)).toEqual({ ok: false, failure: 'replayed' });
  });

  it('takes no proof for another connection', () => {
    const verdict = checker().proofs.verify(proof(), Buffer.from('0102030406', 'hex'));
    expect(verdict).toEqual({ ok: false, failure: 'wrong' });
  });

  it.each([60_001, -60_001])('takes no proof from %i ms ago', age => {
    expect(checker().proofs.verify(proof({ now: NOW - age }), connectionId)).toEqual({ ok: false, failure: 'expired' });
  });

  it.each<[string, () => KeyProof]>([
    ['another server', () => proof({ serverKey: curveKeyPair().publicKey })],
    ["another key's name", () => ({ ...proof(), key: curveKeyPair().publicKey })],
    ['another time', () => ({ ...proof(), time: NOW + 1 })],
    ['another nonce', () => ({ ...proof(), nonce: Buffer.alloc(16).toString('base64url') })],
    ['another code', () => ({ ...proof(), mac: Buffer.alloc(32).toString('base64url') })],
    ['a key of low order', () => ({ ...proof(), key: encodeKey(Buffer.alloc(32)) })],
  ])('takes no proof with %s', (_, make) => {
    expect(checker().proofs.verify(make(), connectionId)).toEqual({ ok: false, failure: 'wrong' });
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'proof'],
    ['an empty object', {}],
    ['a key of another length', { ...proof(), key: 'short' }],
    ['a key above 32 bytes', { ...proof(), key: `#####${'0'.repeat(35)}` }],
    ['a time that is a text', { ...proof(), time: `${NOW}` }],
    ['half a millisecond', { ...proof(), time: NOW + 0.5 }],
    ['a negative time', { ...proof(), time: -1 }],
    ['a nonce of 15 bytes', { ...proof(), nonce: Buffer.alloc(15).toString('base64url') }],
    ['a nonce in base64', { ...proof(), nonce: Buffer.alloc(16, 255).toString('base64').slice(0, 22) }],
    ['a code of 31 bytes', { ...proof(), mac: Buffer.alloc(31).toString('base64url') }],
    ['a code that is a list', { ...proof(), mac: [] }],
  ])('takes no proof that is %s', (_, made) => {
    expect(checker().proofs.verify(made, connectionId)).toEqual({ ok: false, failure: 'malformed' });
  });

  it('remembers nothing of wrong proofs, and takes no more than it can remember', () => {
    const { proofs } = checker({ maxNonces: 1 });
    const wrong = { ...proof(), mac: Buffer.alloc(32).toString('base64url') };
    const verdicts = [wrong, wrong, proof(), proof()].map(made => proofs.verify(made, connectionId));
    expect(verdicts.map(verdict => (verdict.ok ? 'ok' : verdict.failure))).toEqual(['wrong', 'wrong', 'ok', 'busy']);
  });

  it('does not go together with a server key of low order', () => {
    expect(() => proof({ serverKey: encodeKey(Buffer.alloc(32)) })).toThrow('of low order');
  });
});
