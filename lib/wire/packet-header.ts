import { PacketKind } from './packet.js';

/** Bytes of a packet's header: kind u8, flags u8, id u32, length of the body u32. */
export const HEADER_BYTES = 10;

/** Bits of a packet's flags. */
export const Flag = { Encoding: 0x03, Metadata: 0x04, Last: 0x08, Detached: 0x10 } as const;

/** What ids a kind may carry: 0 is the session itself. */
export const IdRule = { Session: 0, Request: 1, Either: 2 } as const;
export type IdRule = (typeof IdRule)[keyof typeof IdRule];

export interface PacketRule {
  /** Mask of the flags that may be set. */
  readonly flags: number;
  readonly id: IdRule;
}

const ANY_PAYLOAD = Flag.Encoding | Flag.Detached;

const RULES: Record<PacketKind, PacketRule> = {
  [PacketKind.Hello]: { flags: Flag.Encoding, id: IdRule.Session },
  [PacketKind.Welcome]: { flags: Flag.Encoding, id: IdRule.Session },
  [PacketKind.Request]: { flags: ANY_PAYLOAD | Flag.Metadata, id: IdRule.Request },
  [PacketKind.Event]: { flags: ANY_PAYLOAD | Flag.Metadata, id: IdRule.Session },
  [PacketKind.Response]: { flags: ANY_PAYLOAD | Flag.Last, id: IdRule.Request },
  [PacketKind.Complete]: { flags: 0, id: IdRule.Request },
  [PacketKind.Error]: { flags: Flag.Encoding, id: IdRule.Either },
  [PacketKind.Cancel]: { flags: 0, id: IdRule.Request },
  [PacketKind.Credit]: { flags: 0, id: IdRule.Either },
  [PacketKind.Ping]: { flags: 0, id: IdRule.Either },
  [PacketKind.Pong]: { flags: 0, id: IdRule.Either },
  [PacketKind.Goaway]: { flags: 0, id: IdRule.Either },
};

/** Rules by the number of the kind; an array, because it is read for every packet. Holes are unknown kinds. */
export const PACKET_RULES: readonly (PacketRule | undefined)[] = Array.from(
  { length: 256 },
  (_, kind) => RULES[kind as PacketKind] as PacketRule | undefined,
);
