import type { ZmqCredentials, ZmqIdentity, ZmqMechanism, ZmqPeerCertificate } from '../options/authenticator.js';

/** Why somebody is not let in. Peers are never told which. */
export const AUTHENTICATION_FAILURES = [
  /** No credentials where some are asked for. */
  'anonymous',
  /** Nobody has these credentials. */
  'unknown',
  /** A wrong password. */
  'wrong-password',
  /** Right credentials, from an address that its identity may not use. */
  'wrong-address',
  /** Right credentials, but none of the roles that the listener is for. */
  'wrong-role',
  /** More attempts at a time than are looked at. */
  'too-many',
  /** The authenticator threw, took too long, or gave something that is no identity. */
  'failed',
] as const;
export type AuthenticationFailure = (typeof AUTHENTICATION_FAILURES)[number];

/** Whether a failure says nothing of who asks, who may do better next time. */
export function isPassingFailure(failure: string): boolean {
  return failure === 'too-many' || failure === 'failed';
}

/** Whether a connection is let in, and as whom: `identity` is `undefined` where none was asked for. */
export type Verdict =
  | { readonly admitted: true; readonly identity: Required<ZmqIdentity> | undefined }
  | { readonly admitted: false; readonly failure: AuthenticationFailure };

/** Decides about connections. Never throws or rejects. */
export type Authenticate = (credentials: ZmqCredentials) => Verdict | Promise<Verdict>;

/** Where a connection comes from, and who has been proven to have made it. */
export interface PeerOrigin {
  /** Name of the listener. */
  readonly listener: string;
  readonly mechanism: ZmqMechanism;
  /** Network address without port, exactly; `undefined` where the engine does not know it. */
  readonly address: string | undefined;
  readonly identity: Required<ZmqIdentity> | undefined;
  /** Roles of all peers of the listener. */
  readonly listenerRoles: readonly string[];
  readonly certificate: ZmqPeerCertificate | undefined;
}
