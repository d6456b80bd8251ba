/** Every way in which a peer can break ZMTP, or a limit that was set for it. */
export type ZmtpRefusalCode =
  /** The first bytes are no ZMTP greeting. */
  | 'not-zmtp'
  /** A peer of ZMTP 1.0 or 2.0. */
  | 'old-version'
  /** A greeting that breaks the form of ZMTP 3. */
  | 'bad-greeting'
  /** A security mechanism other than the one asked for. */
  | 'wrong-mechanism'
  /** Reserved bits of a frame's flags are set, or a combination that has no meaning. */
  | 'bad-flags'
  /** A length that no buffer can have. */
  | 'bad-length'
  | 'frame-too-large'
  /** The frames of one message add up to too much. */
  | 'message-too-large'
  | 'too-many-frames'
  /** A command where a message must be, or a message where a command must be. */
  | 'unexpected-frame'
  /** A command whose body does not have its form. */
  | 'bad-command'
  | 'command-too-large'
  /** A command that has no place in this phase. */
  | 'unexpected-command'
  | 'bad-metadata'
  /** A routing id longer than 255 bytes. */
  | 'bad-identity'
  /** The peer's socket type may not talk to ours. */
  | 'wrong-socket-type'
  /** User name and password were not accepted. */
  | 'not-authenticated'
  | 'bad-subscription';

/** Why bytes were refused. Holds nothing of what the peer sent but numbers. */
export class ZmtpRefusal {
  constructor(
    readonly code: ZmtpRefusalCode,
    /** The limit that was broken, if one was. */
    readonly limit?: number,
    readonly actual?: number,
  ) {}
}
