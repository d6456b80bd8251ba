import type { ZmqViolationKind } from '../limits/violation.js';
import type { ZmtpRefusalCode } from '../zmtp/refusal.js';

const KIND_BY_REFUSAL: Readonly<Record<ZmtpRefusalCode, ZmqViolationKind>> = {
  'not-zmtp': 'handshake',
  'old-version': 'handshake',
  'bad-greeting': 'handshake',
  'wrong-mechanism': 'handshake',
  'bad-flags': 'framing',
  'bad-length': 'framing',
  'frame-too-large': 'frame-too-large',
  'message-too-large': 'message-too-large',
  'too-many-frames': 'too-many-frames',
  'unexpected-frame': 'handshake',
  'bad-command': 'unexpected-command',
  'command-too-large': 'command-too-large',
  'unexpected-command': 'unexpected-command',
  'bad-metadata': 'handshake',
  'bad-identity': 'identity',
  'wrong-socket-type': 'handshake',
  'not-authenticated': 'not-authenticated',
  'bad-subscription': 'subscription',
};

/** What a broken rule of ZMTP is called among the violations. */
export function violationOf(code: ZmtpRefusalCode): ZmqViolationKind {
  return KIND_BY_REFUSAL[code];
}
