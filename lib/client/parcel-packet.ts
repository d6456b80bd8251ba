import { QueuedPacket } from '../socket/queued-packet.js';

/** What a packet that is signed is made of until it leaves. */
export interface Unsigned {
  /** JSON text of the metadata without the signature, `''` for none. */
  readonly metadata: string;
  /** What the packet costs with its signature. */
  readonly charge: number;
}

/** A request or event in an outbox. */
export class ParcelPacket extends QueuedPacket {
  /** Only there if the packet is signed. */
  unsigned: Unsigned | undefined = undefined;

  /** The same before the packet is signed and after, since it is released as it was charged. */
  override get charge(): number {
    return this.unsigned?.charge ?? super.charge;
  }
}
