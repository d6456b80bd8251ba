import type { ZmqAuthenticator } from '../options/authenticator.js';
import type { ResolvedIdentity } from '../options/identity-options.js';
import type { ResolvedListener } from '../options/listener-options.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import { invalid } from '../options/fields.js';
import { readCurveKey } from '../security/key-files.js';
import { KeyProofs } from '../security/key-proof.js';
import type { Authenticate, PeerOrigin } from '../security/verdict.js';
import { CONNECTION_ID_CHARACTERS } from '../security/public-id.js';
import { Authentication } from '../gate/authentication.js';
import type { ProofOutcome } from './reception.js';
import { haveSigners, Senders } from './senders.js';

/** The authenticator may take this part of the time that a handshake has. */
const AUTHENTICATOR_PART = 0.8;

export interface ServerSecurityOptions {
  readonly options: ResolvedServerOptions;
  readonly authenticator: ZmqAuthenticator | undefined;
  /** Whether peers were asked who they are before, when there were other identities. */
  readonly wasAsked: boolean;
  /** An authenticator has failed. */
  readonly onFailed: (error: unknown) => void;
  /** A proof of identity was not accepted. */
  readonly onRefused: (peerId: string, reason: string) => void;
}

/** Who may connect to a server between `listen()` and `close()`, and who they are. */
export class ServerSecurity {
  /** Tells who sends what. */
  readonly senders: Senders;
  private identities: ReadonlyMap<string, ResolvedIdentity>;
  private hasSigners: boolean;
  private readonly authentication: Authentication;
  private readonly proofs: KeyProofs | undefined;

  /** @throws {@link ZmqException} `INVALID_OPTIONS` for a listener that could let nobody in, or a key that cannot be read */
  constructor(private readonly fields: ServerSecurityOptions) {
    const { options, authenticator, wasAsked, onFailed } = fields;
    const { identities, socket, curve, bind, signatures } = options;
    this.identities = identities;
    this.hasSigners = haveSigners(identities);
    const timeout = socket.handshakeInterval * AUTHENTICATOR_PART;
    this.authentication = new Authentication({ identities, authenticator, wasAsked, timeout, onFailed });
    this.proofs = curve && new KeyProofs({ secretKey: readCurveKey(curve.secretKey), now: Date.now });
    this.senders = new Senders({
      signatures,
      hasSigners: () => this.hasSigners,
      signer: name => this.authentication.signer(name),
    });
    for (const listener of bind) {
      this.assertUseful(listener, identities);
    }
  }

  decisionFor(listener: ResolvedListener): Authenticate | undefined {
    return this.authentication.decisionFor(listener);
  }

  /**
   * Other identities from now on. Returns what tells of a peer whether it may stay.
   *
   * @throws {@link ZmqException} `INVALID_OPTIONS` if a listener could let nobody in any more; nothing is changed then
   */
  replace(identities: ReadonlyMap<string, ResolvedIdentity>): (origin: PeerOrigin) => boolean {
    for (const listener of this.fields.options.bind) {
      this.assertUseful(listener, identities);
    }
    const before = this.identities;
    this.identities = identities;
    this.hasSigners = haveSigners(identities);
    this.authentication.replace(identities);
    return origin =>
      origin.identity === undefined ? this.isAnonymousAt(origin) : this.authentication.holds(origin, before);
  }

  /** Whom the proof in a hello shows its sender to be: libzmq lets keys in, but does not tell whose a message is. */
  prove(proof: unknown, peerId: string, origin: PeerOrigin): ProofOutcome {
    if (this.proofs === undefined || origin.mechanism !== 'CURVE') {
      // Other engines know better.
      return { ok: true, identity: undefined };
    }
    // Several engines as one put a character before it.
    const isOurs = peerId.length - CONNECTION_ID_CHARACTERS <= 1;
    const connectionId = Buffer.from(isOurs ? peerId.slice(-CONNECTION_ID_CHARACTERS) : peerId, 'latin1');
    const verdict = this.proofs.verify(proof, connectionId);
    if (!verdict.ok) {
      this.fields.onRefused(peerId, `proof-${verdict.failure}`);
      return { ok: false };
    }
    const identity = this.authentication.ownerOf(origin.listener, verdict.publicKey);
    if (identity === undefined && !this.isAnonymousAt(origin)) {
      // The key was somebody's when the connection was made, and is nobody's any more.
      this.fields.onRefused(peerId, 'proof-unknown');
      return { ok: false };
    }
    return { ok: true, identity };
  }

  /** Whether the listener lets in whoever proves nothing. */
  private isAnonymousAt({ listener, mechanism }: PeerOrigin): boolean {
    return this.fields.options.bind.some(
      each => each.name === listener && each.mechanism === mechanism && this.authentication.isAnonymous(each),
    );
  }

  private assertUseful(listener: ResolvedListener, identities: ReadonlyMap<string, ResolvedIdentity>): void {
    if (this.authentication.isHopeless(listener, identities)) {
      throw invalid(
        `${listener.name} would let nobody in: nothing there can prove who somebody is. Give it tls with ca, PLAIN or CURVE, ` +
          'or set anonymous: true for it.',
      );
    }
  }
}
