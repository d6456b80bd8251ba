import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ZmqPeerCertificate } from '../options/authenticator.js';
import { peerCertificateOf } from '../security/certificate.js';
import type { AuthenticationFailure, PeerOrigin, Verdict } from '../security/verdict.js';
import type { Address } from './addresses.js';
import type { Door } from './door.js';
import type { Encrypted } from './encrypted.js';

/** A connection that may begin with ZMTP. */
export interface Arrival {
  /** Not being read yet, or not for anybody. */
  readonly accepted: Socket | Encrypted;
  readonly owner: Address;
  readonly entry: Entry;
  /** Milliseconds that it has left for the handshake. */
  readonly timeLeft: number;
}

interface PlainCredentials {
  readonly username: string;
  readonly password: string;
}

const NOBODY: Verdict = Object.freeze({ admitted: true, identity: undefined });

/** How a connection came in: by which door, from where, with which certificate. Decides whether it may stay. */
export class Entry {
  /** Why it was not let in, for whoever looks after the server; not for the peer. */
  failure: AuthenticationFailure | (string & {}) | undefined = undefined;
  private readonly certificate: ZmqPeerCertificate | undefined;
  /** Why its certificate is none, e.g. `CERT_HAS_EXPIRED`. */
  private readonly certificateFailure: string | undefined;
  private verdict: Verdict | undefined = undefined;

  /**
   * @param address without port, exactly
   * @param secured the connection, where it is encrypted
   */
  constructor(
    readonly door: Door,
    readonly address: string,
    secured: TLSSocket | undefined,
  ) {
    const shown = secured && peerCertificateOf(secured.getPeerCertificate());
    // Only what TLS has verified counts as shown at all.
    this.certificate = secured?.authorized === true ? shown : undefined;
    if (this.certificate === undefined && (shown !== undefined || door.requiresCertificate)) {
      const { authorizationError = 'no certificate' } = secured ?? {};
      this.certificateFailure = shown === undefined ? 'no certificate' : String(authorizationError);
    }
  }

  /** Whether there is nothing to decide: whoever reaches the door may come in. */
  get isOpen(): boolean {
    return (
      this.door.authenticate === undefined && this.certificateFailure === undefined && this.door.mechanism === 'NULL'
    );
  }

  /** Whether the peer may come in. */
  judge(plain: PlainCredentials | undefined): boolean | Promise<boolean> {
    const verdict = this.verdictOn(plain);
    return verdict instanceof Promise ? verdict.then(decided => this.keep(decided)) : this.keep(verdict);
  }

  /** Where messages come from, once the peer has been let in. */
  get origin(): PeerOrigin {
    const { door, address, certificate, verdict } = this;
    return Object.freeze({
      listener: door.name,
      mechanism: door.mechanism,
      address,
      identity: verdict?.admitted === true ? verdict.identity : undefined,
      listenerRoles: door.roles,
      certificate,
    });
  }

  private verdictOn(plain: PlainCredentials | undefined): Verdict | Promise<Verdict> {
    const { door, address, certificate, certificateFailure } = this;
    if (certificateFailure !== undefined) {
      this.failure = certificateFailure;
      return { admitted: false, failure: 'unknown' };
    }
    if (door.authenticate === undefined) {
      return door.mechanism === 'NULL' ? NOBODY : { admitted: false, failure: 'unknown' };
    }
    return door.authenticate({
      mechanism: door.mechanism,
      listener: door.name,
      address,
      certificate,
      username: plain?.username,
      password: plain?.password,
      publicKey: undefined,
    });
  }

  private keep(verdict: Verdict): boolean {
    this.verdict = verdict;
    if (!verdict.admitted) {
      this.failure ??= verdict.failure;
    }
    return verdict.admitted;
  }
}
