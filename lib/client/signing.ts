import { ZmqException } from '../errors/zmq.exception.js';
import type { ResolvedSigning } from '../options/credential-options.js';
import { RequestSigner } from '../security/request-signature.js';
import { addSignature, SIGNATURE_KEY } from '../security/signature-metadata.js';
import type { ParcelPacket } from './parcel-packet.js';

const NO_BYTES = new Uint8Array(0);
/** JSON text has these characters nowhere but where the key is: in any other text a backslash stands before the last mark. */
const KEY_TEXT = `"${SIGNATURE_KEY}":`;
/** The last millisecond with 13 digits, in the year 2286. */
const LONGEST_TIME = 9_999_999_999_999;

/** Signs the requests and events of a client, each for the server that it is sent to and at the time when it leaves. */
export class Signing {
  private readonly signer: RequestSigner;
  /** As long as a signature. */
  private readonly placeholder: string;

  /** @param now the wall clock */
  constructor({ name, key }: ResolvedSigning, now = () => Date.now()) {
    this.signer = new RequestSigner({ name, key, now });
    const nothing = { serverId: '', kind: 0, id: 0, timeoutMs: 0, pattern: '', metadata: '', encoding: 0 };
    const longest = new RequestSigner({ name, key, now: () => LONGEST_TIME });
    this.placeholder = longest.sign({ ...nothing, payload: NO_BYTES });
  }

  /**
   * Makes room for a signature, so that the packet has the size with which it will leave.
   *
   * @throws {@link ZmqException} `MALFORMED` for metadata that are no object, to which nothing can be added
   */
  reserve(packet: ParcelPacket): void {
    const { metadata } = packet;
    if (metadata !== '' && !metadata.startsWith('{')) {
      throw new ZmqException('MALFORMED', 'Metadata must be an object of strings.');
    }
    packet.metadata = addSignature(metadata, this.placeholder);
    packet.unsigned = { metadata, charge: packet.charge };
  }

  /** Signs a packet that is about to leave. One that has been signed before is signed anew. */
  sign(packet: ParcelPacket, serverId: string): void {
    const { kind, id, timeoutMs, pattern, payload, unsigned } = packet;
    if (unsigned === undefined) {
      return;
    }
    const { metadata } = unsigned;
    const { encoding, body = NO_BYTES } = payload;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const token = this.signer.sign({ serverId, kind, id, timeoutMs, pattern, metadata, encoding, payload: bytes });
    packet.metadata = addSignature(metadata, token);
  }
}

/**
 * Refuses metadata that would pass for signed ones.
 *
 * @param metadata JSON text
 * @throws {@link ZmqException} `INVALID_OPTIONS`
 */
export function assertUnsigned(metadata: string): void {
  if (metadata.includes(KEY_TEXT)) {
    throw new ZmqException(
      'INVALID_OPTIONS',
      `metadata must not have the key "${SIGNATURE_KEY}", which stands for a signature: the client option signing has requests signed.`,
    );
  }
}
