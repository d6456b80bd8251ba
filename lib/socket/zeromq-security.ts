import { randomBytes } from 'node:crypto';
import type { ResolvedPlain } from '../options/credential-options.js';
import type { ResolvedClientCurve, ResolvedServerCurve } from '../options/curve-options.js';
import { invalid } from '../options/fields.js';
import type { Secret } from '../options/secret.js';
import { agreedSecret, publicKeyOf } from '../security/curve-keys.js';
import { readCurveKey } from '../security/key-files.js';
import type { Authenticate, PeerOrigin } from '../security/verdict.js';

const ID_BYTES = 16;

/** Who may connect to a ROUTER, and how. */
export interface RouterSecurity {
  /** Goes with every message of the socket. libzmq tells who is let in, but not who sent a message: it has no identity. */
  readonly origin: PeerOrigin;
  /** For CURVE. */
  readonly curve?: ResolvedServerCurve | undefined;
  /** Decides about each connection, with its address. `undefined` lets in whoever knows the server's key; with PLAIN, nobody. */
  readonly authenticate: Authenticate | undefined;
}

/**
 * Options of libzmq for a server.
 *
 * @param domain Makes libzmq ask about each connection, where there is something to decide. Nobody is let in without an
 * answer: by default, libzmq lets in everybody if there is nobody to ask.
 * @throws {@link ZmqException} `INVALID_OPTIONS` if there is no key, or its file cannot be read.
 */
export function serverSecurity({ origin, curve, authenticate }: RouterSecurity, domain: string) {
  const { mechanism } = origin;
  const asked = { zapDomain: domain, zapEnforceDomain: true };
  switch (mechanism) {
    case 'NULL':
      return authenticate === undefined ? {} : asked;
    case 'PLAIN':
      return { plainServer: true, ...asked };
    case 'CURVE':
      if (curve === undefined) {
        throw invalid(`${origin.listener} needs a key for CURVE.`);
      }
      return { curveServer: true, curveSecretKey: readCurveKey(curve.secretKey).reveal(), ...asked };
    default:
      return mechanism satisfies never;
  }
}

/** Keys of one connection to a CURVE server. */
export interface ClientKeys {
  readonly serverKey: string;
  readonly secretKey: Secret<string>;
  /** What both ends know the connection by: the routing id that the client asks for. */
  readonly connectionId: string;
}

/**
 * Reads the keys for a new connection, whose id nobody can guess.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` if the file of the secret key cannot be read, or a key is none.
 */
export function clientKeys({ serverKey, secretKey: source }: ResolvedClientCurve): ClientKeys {
  const secretKey = readCurveKey(source);
  if (agreedSecret({ secretKey: secretKey.reveal(), publicKey: serverKey }) === undefined) {
    throw invalid('serverKey is of low order: anybody could read what is encrypted for it.');
  }
  // zeromq.js takes routing ids as text alone; none of these begins with the zero byte that libzmq keeps for its own.
  return { serverKey, secretKey, connectionId: randomBytes(ID_BYTES).toString('base64url') };
}

/** Options of libzmq for a client; CURVE goes before PLAIN. */
export function clientSecurity(keys: ClientKeys | undefined, plain: ResolvedPlain | undefined) {
  if (keys !== undefined) {
    const secretKey = keys.secretKey.reveal();
    return {
      curveServerKey: keys.serverKey,
      curvePublicKey: publicKeyOf(secretKey),
      curveSecretKey: secretKey,
      routingId: keys.connectionId,
    };
  }
  return plain === undefined ? {} : { plainUsername: plain.username, plainPassword: plain.password.reveal() };
}
