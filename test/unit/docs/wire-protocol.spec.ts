import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../lib/options/secret.js';
import { agreedSecret, decodeKey, publicKeyOf } from '../../../lib/security/curve-keys.js';
import { createKeyProof, KeyProofs, type KeyProof } from '../../../lib/security/key-proof.js';
import { RequestSignatures, type SignedFields } from '../../../lib/security/request-signature.js';
import { addSignature, takeSignature } from '../../../lib/security/signature-metadata.js';
import { ALPN } from '../../../lib/gate/tls-material.js';
import { codeBlocks, readDocument, section } from '../../support/markdown.js';
import { fromHex } from '../../support/wire.js';

interface ProofVector {
  readonly serverSecretKey: string;
  readonly serverKey: string;
  readonly clientSecretKey: string;
  readonly clientKey: string;
  readonly routingId: string;
  readonly agreed: string;
  readonly macKey: string;
  readonly signed: string;
  readonly proof: KeyProof;
}

interface SignatureVector {
  readonly name: string;
  readonly signature: Omit<SignedFields, 'serverId' | 'payload'> & {
    readonly key: string;
    readonly name: string;
    readonly time: number;
    readonly server: string;
    readonly payload: string;
  };
  readonly signed: string;
  readonly signedMetadata: string;
}

const document = readDocument('docs/wire-protocol.md');
const blocks = codeBlocks(document, 'json').map(text => JSON.parse(text) as object);
const vectorsWith = <T>(key: string): T[] => blocks.filter(block => key in block) as T[];

function hmac(key: Uint8Array, bytes: Uint8Array): string {
  return createHmac('sha256', key).update(bytes).digest('base64url');
}

describe('docs/wire-protocol.md', () => {
  const [vector] = vectorsWith<ProofVector>('proof') as [ProofVector];
  const { serverSecretKey, serverKey, clientSecretKey, clientKey, routingId, proof } = vector;
  const connectionId = Buffer.from(routingId);

  it('has a proof of a key as clients make it and servers take it', () => {
    const made = { secretKey: clientSecretKey, serverKey, connectionId, now: proof.time };
    expect(createKeyProof({ ...made, nonce: Buffer.from(proof.nonce, 'base64url') })).toEqual(proof);
    const proofs = new KeyProofs({ secretKey: new Secret(serverSecretKey), now: () => proof.time });
    expect(proofs.verify(proof, connectionId)).toEqual({ ok: true, publicKey: clientKey });
  });

  it('has each step of the proof', () => {
    const { agreed, macKey, signed } = vector;
    expect([publicKeyOf(serverSecretKey), publicKeyOf(clientSecretKey)]).toEqual([serverKey, clientKey]);
    expect(agreedSecret({ secretKey: clientSecretKey, publicKey: serverKey })).toEqual(fromHex(agreed));
    const salt = Buffer.concat([decodeKey(serverKey), decodeKey(clientKey)]);
    const derived = hkdfSync('sha256', fromHex(agreed), salt, 'nestjs-zeromq key proof 1', 32);
    expect(Buffer.from(derived)).toEqual(fromHex(macKey));
    expect(hmac(fromHex(macKey), fromHex(signed))).toBe(proof.mac);
  });

  it('says truly how far from the time of the server proofs and signatures may be', () => {
    const proofs = (now: number) => new KeyProofs({ secretKey: new Secret(serverSecretKey), now: () => now });
    expect(proofs(proof.time + 60_000).verify(proof, connectionId).ok).toBe(true);
    expect(proofs(proof.time + 60_001).verify(proof, connectionId)).toEqual({ ok: false, failure: 'expired' });
    expect(section(document, 'Proof of a key')).toContain('within 60 s');
    expect(section(document, 'Signatures')).toContain('(30 s)');
  });

  it.each(vectorsWith<SignatureVector>('signature'))(
    'has $name as servers take it, and what it signs',
    ({ signature, signed, signedMetadata }) => {
      const { key: keyText, name, time, server: serverId, payload, ...fields } = signature;
      const { base, token } = takeSignature(signedMetadata) ?? { base: undefined, token: '' };
      expect(base).toBe(fields.metadata);
      expect(addSignature(fields.metadata, token)).toBe(signedMetadata);
      const key = Buffer.from(keyText, 'base64url');
      expect(token.split('.')[4]).toBe(hmac(key, fromHex(signed)));
      const signatures = new RequestSignatures({ keysOf: () => [new Secret(key)], now: () => time });
      const verdict = signatures.verify(token, { ...fields, serverId, payload: fromHex(payload) });
      expect(verdict).toEqual({ ok: true, name });
    },
  );

  it('names the protocol that TLS asks for', () => {
    expect(section(document, 'Connections')).toContain(`\`${ALPN}\``);
  });
});
