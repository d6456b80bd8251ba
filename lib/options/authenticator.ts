/** How a connection was made: ZMTP's security mechanism. TLS lies beneath it and is told by a certificate. */
export type ZmqMechanism = 'NULL' | 'PLAIN' | 'CURVE';

/** The certificate of a peer that TLS has verified. */
export interface ZmqPeerCertificate {
  /** Distinguished name, e.g. `CN=press-7,OU=devices,O=Example`. */
  readonly subject: string;
  readonly commonName: string | undefined;
  /** e.g. `['DNS:press-7.example', 'URI:spiffe://example/press-7']`. */
  readonly subjectAltNames: readonly string[];
  readonly issuer: string;
  /** SHA-256 of the certificate, 64 hex digits in capital letters, without colons. */
  readonly fingerprint: string;
  readonly serialNumber: string;
  readonly validTo: Date;
}

/** What a connection shows of whoever made it. */
export interface ZmqCredentials {
  readonly mechanism: ZmqMechanism;
  /** Name of the listener that it came to. */
  readonly listener: string;
  /** Network address without port; `undefined` where the engine does not know it. */
  readonly address: string | undefined;
  /** With mutual TLS: verified, i.e. signed by the listener's `ca`, in time, and not revoked. */
  readonly certificate: ZmqPeerCertificate | undefined;
  /** PLAIN. */
  readonly username: string | undefined;
  /** PLAIN. Must not be kept or logged. */
  readonly password: string | undefined;
  /** CURVE: the client's public key, 40 characters of Z85. That the client has its secret key is proven. */
  readonly publicKey: string | undefined;
}

/** Who a peer has been proven to be. */
export interface ZmqIdentity {
  /** From 1 to 255 characters. */
  readonly name: string;
  readonly roles?: readonly string[];
}

/**
 * Says who peers are where the option `identities` cannot: from a directory, a database, a token. A class of the
 * application's own, made by Nest with all that it injects.
 */
export interface ZmqAuthenticator {
  /**
   * The identity that the credentials prove; `undefined` lets nobody in. So do an error, and an answer that takes longer
   * than the handshake may.
   */
  authenticate(credentials: ZmqCredentials): ZmqIdentity | undefined | Promise<ZmqIdentity | undefined>;
}
