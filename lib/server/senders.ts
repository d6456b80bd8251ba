import type { ZmqErrorObject } from '../errors/zmq.exception.js';
import type { ZmqSignaturesOptions } from '../options/credential-options.js';
import type { ResolvedIdentity } from '../options/identity-options.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';
import type { IdentityEntry } from '../security/identity-table.js';
import { RequestSignatures, type SignatureFailure } from '../security/request-signature.js';
import { SIGNATURE_KEY, takeSignature } from '../security/signature-metadata.js';
import type { IncomingPacket } from '../wire/packet.js';
import type { Peer } from './peer.js';
import { requestTooLarge } from './size-violations.js';

/**
 * Why it is not known who has sent a request or event: no signature where there must be one, a right one from an address
 * that its identity may not use, a payload that is too large to be looked at, or what else is wrong with the signature.
 */
export type SenderProblem = 'missing' | 'wrong-address' | 'too-large' | SignatureFailure;

/** A request or event that is refused as it is not known who has sent it. */
export interface SenderRefusal {
  readonly problem: SenderProblem;
  readonly error: ZmqErrorObject;
}

/** In JSON mode. */
export const NEVER_SIGNED = refusal('missing', {
  code: 'UNAUTHENTICATED',
  message: 'Only signed requests and events are taken here, and JSON mode has no signatures.',
});
const NOT_SIGNED = refusal('missing', {
  code: 'UNAUTHENTICATED',
  message: 'Only signed requests and events are taken here.',
});
/** The same whatever is wrong with a signature, so that it helps nobody to make a better one. */
const NOT_ACCEPTED: ZmqErrorObject = { code: 'UNAUTHENTICATED', message: 'The signature was not accepted.' };
/** The signature was right, and it may be sent again when others are too old to be taken. */
const BUSY = refusal('busy', {
  code: 'OVERLOADED',
  message: 'More signatures have come than the server can remember.',
});

/** Metadata with a signature have these bytes. So do others only where an object in them has the key. */
const KEY_BYTES = Buffer.from(`"${SIGNATURE_KEY}":`);

export interface SendersOptions {
  readonly signatures: Required<ZmqSignaturesOptions>;
  /** Whether any identity signs. */
  readonly hasSigners: () => boolean;
  /** The identity that signs by that name. */
  readonly signer: (name: string) => IdentityEntry | undefined;
  /** The wall clock. @defaultValue Date.now */
  readonly now?: () => number;
}

/** Finds out who has sent a request or event: whoever has signed it, or else whoever its connection belongs to. */
export class Senders {
  private readonly signatures: RequestSignatures;

  constructor(private readonly options: SendersOptions) {
    const { signer, now = () => Date.now() } = options;
    const { window: windowMs, maxNonces } = options.signatures;
    const keysOf = (name: string) => signer(name)?.source.signingKeys ?? [];
    this.signatures = new RequestSignatures({ keysOf, windowMs, maxNonces, now });
  }

  /** Whether nothing is taken that is not signed. */
  get isRequired(): boolean {
    return this.options.signatures.required;
  }

  /**
   * The sender of a packet, whose metadata have no signature any more then. To be asked once for each packet: a signature
   * is good for one. While nobody signs, signatures mean nothing.
   */
  senderOf(packet: IncomingPacket, { peer, serverId, maxSize: limit }: Reader): ZmqPeer | SenderRefusal {
    const { metadata, size: actual } = packet;
    const { isRequired } = this;
    if (metadata?.includes(KEY_BYTES) !== true || !(isRequired || this.options.hasSigners())) {
      return isRequired ? NOT_SIGNED : peer.identity;
    }
    // A signature is over all of the payload, and the more there is of that, the longer it takes.
    return actual > limit
      ? refusal('too-large', requestTooLarge({ limit, actual }).toJSON())
      : this.verified(packet, { text: metadata.toString(), serverId, peer });
  }

  /** The sender of a packet that has waited since it was asked for: who signed may be somebody else by now, or nobody. */
  renewed(sender: ZmqPeer, peer: Peer): ZmqPeer | SenderRefusal {
    if (sender === peer.identity) {
      return sender;
    }
    const entry = this.options.signer(sender.identity ?? '');
    return entry === undefined ? refusal('unknown') : peer.signedBy(entry.identity);
  }

  private verified(packet: IncomingPacket, { text, serverId, peer }: Signed): ZmqPeer | SenderRefusal {
    const signed = takeSignature(text);
    if (signed === undefined) {
      return refusal('malformed');
    }
    const { kind, id, timeoutMs, pattern, encoding, payload } = packet;
    const { base: metadata, token } = signed;
    const fields = { serverId, kind, id, timeoutMs, pattern, metadata, encoding, payload };
    const verdict = this.signatures.verify(token, fields);
    if (!verdict.ok) {
      return verdict.failure === 'busy' ? BUSY : refusal(verdict.failure);
    }
    const entry = this.options.signer(verdict.name);
    if (entry?.mayComeFrom(peer.identity.remoteAddress) !== true) {
      return refusal('wrong-address');
    }
    packet.metadata = metadata === '' ? undefined : Buffer.from(metadata);
    return peer.signedBy(entry.identity);
  }
}

/** Where a packet has come in. */
export interface Reader {
  readonly peer: Peer;
  /** Of the server, as its welcome tells it. */
  readonly serverId: string;
  /** Bytes of a payload. */
  readonly maxSize: number;
}

interface Signed extends Pick<Reader, 'peer' | 'serverId'> {
  /** JSON text of the metadata. */
  readonly text: string;
}

function refusal(problem: SenderProblem, error = NOT_ACCEPTED): SenderRefusal {
  return Object.freeze({ problem, error: Object.freeze(error) });
}

/** Whether any identity has a key to sign with. */
export function haveSigners(identities: ReadonlyMap<string, ResolvedIdentity>): boolean {
  return [...identities.values()].some(({ signingKeys }) => signingKeys.length > 0);
}

/** Metadata as handlers may see them: what stands for a signature there has not been looked at, or is none. */
export function withoutSignature<M extends Readonly<Record<string, string>> | undefined>(metadata: M): M {
  if (metadata === undefined || !Object.hasOwn(metadata, SIGNATURE_KEY)) {
    return metadata;
  }
  const { [SIGNATURE_KEY]: _signature, ...others } = metadata;
  return others as M;
}
