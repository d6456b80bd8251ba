import { Secret } from '../../lib/options/secret.js';
import { RequestSigner } from '../../lib/security/request-signature.js';
import { addSignature } from '../../lib/security/signature-metadata.js';
import type { OutgoingPacket } from '../../lib/wire/packet.js';

/** A key to sign with: 32 bytes that are all the same, in base64. */
export function signingKey(byte: number): string {
  return Buffer.alloc(32, byte).toString('base64');
}

export interface SignedBy {
  readonly name: string;
  /** In base64. */
  readonly key: string;
  /** What the server's welcome says of it. */
  readonly serverId: string;
  /** Milliseconds by which the signer's clock is fast. @defaultValue 0 */
  readonly fast?: number;
}

/** Signs a packet as a client does that is not this library's own. Gives the same packet. */
export function signed(packet: OutgoingPacket, { name, key, serverId, fast = 0 }: SignedBy): OutgoingPacket {
  const { kind, id, timeoutMs, pattern, metadata, payload } = packet;
  const { encoding, body = '' } = payload;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const signer = new RequestSigner({
    name,
    key: new Secret(Buffer.from(key, 'base64')),
    now: () => Date.now() + fast,
  });
  const token = signer.sign({ serverId, kind, id, timeoutMs, pattern, metadata, encoding, payload: bytes });
  return Object.assign(packet, { metadata: addSignature(metadata, token) });
}
