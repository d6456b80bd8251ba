import type { ZmqAuthenticator, ZmqCredentials, ZmqIdentity } from '../options/authenticator.js';
import { hasConnections, isIdentityName, isRole } from '../options/identity-options.js';
import type { ResolvedIdentity } from '../options/identity-options.js';
import type { ResolvedListener } from '../options/listener-options.js';
import { IdentityTable, type IdentityEntry } from '../security/identity-table.js';
import { PasswordVerifier } from '../security/passwords.js';
import { Turnstile } from '../security/turnstile.js';
import { sameIdentity } from '../security/same-identity.js';
import type { Authenticate, AuthenticationFailure, PeerOrigin, Verdict } from '../security/verdict.js';
import { KeyOwners } from './key-owners.js';
import { PasswordAttempts } from './password-attempts.js';

export interface AuthenticationOptions {
  readonly identities: ReadonlyMap<string, ResolvedIdentity>;
  readonly authenticator: ZmqAuthenticator | undefined;
  /** Whether peers were asked who they are before, when there were other identities. */
  readonly wasAsked?: boolean;
  /** Milliseconds that the authenticator may take. */
  readonly timeout: number;
  /** An authenticator has failed: nobody was let in, and somebody should know why. */
  readonly onFailed: (error: unknown) => void;
}

type Proven = Required<ZmqIdentity>;

/** Answers of the authenticator that are waited for at a time, and attempts that wait for that. */
const ASKED = { maxRunning: 64, maxWaiting: 1_024 };

const NOBODY: Verdict = Object.freeze({ admitted: true, identity: undefined });

/** Decides who is let in, and as whom: by the identities that there are, then by the application's authenticator. */
export class Authentication {
  private table: IdentityTable;
  private readonly passwords = new PasswordVerifier();
  private readonly attempts = new PasswordAttempts();
  private readonly owners = new KeyOwners();
  private readonly turnstile = new Turnstile(ASKED);
  /** Identities that the table gave, rather than the authenticator. */
  private readonly listed = new WeakSet<Proven>();

  /** Whether anything says who peers are. Once it does, taking the last one off the list must not let in everybody. */
  private isAsked: boolean;

  constructor(private readonly options: AuthenticationOptions) {
    const { identities, authenticator, wasAsked = false } = options;
    this.table = new IdentityTable(identities);
    this.isAsked = wasAsked || authenticator !== undefined || hasConnections(identities);
  }

  /** What decides for a listener; `undefined` where everybody is let in unnamed. */
  decisionFor(listener: ResolvedListener): Authenticate | undefined {
    const isOpen = this.isAnonymous(listener) && listener.admit.length === 0 && !this.canProve(listener);
    return isOpen ? undefined : credentials => this.decide(credentials, listener, this.isAnonymous(listener));
  }

  /**
   * Whether a listener asks who peers are and cannot find out of any.
   *
   * @param identities of which there would be
   */
  isHopeless(listener: ResolvedListener, identities: ReadonlyMap<string, ResolvedIdentity> = new Map()): boolean {
    const isAsked = listener.anonymous === undefined && hasConnections(identities);
    return (isAsked || !this.isAnonymous(listener)) && !this.canProve(listener);
  }

  /** Other identities from now on. */
  replace(identities: ReadonlyMap<string, ResolvedIdentity>): void {
    this.table = new IdentityTable(identities);
    this.isAsked ||= hasConnections(identities);
    this.passwords.forget();
  }

  /** Whether whoever was let in would be let in as the same today. Where the authenticator said who it was, it is not asked again. */
  holds(
    { identity, mechanism, certificate }: Pick<PeerOrigin, 'identity' | 'mechanism' | 'certificate'>,
    before: ReadonlyMap<string, ResolvedIdentity>,
  ): boolean {
    if (identity === undefined || !this.listed.has(identity)) {
      return true;
    }
    if (mechanism === 'NULL' && certificate !== undefined) {
      // Whose it is depends on what all others list.
      const entry = this.table.byCertificate(certificate);
      if (entry === undefined || entry === 'ambiguous' || entry.identity.name !== identity.name) {
        return false;
      }
    }
    const was = before.get(identity.name);
    const is = this.table.byName(identity.name)?.source;
    // A certificate may name somebody who is in no list.
    return was === undefined ? is === undefined : is !== undefined && sameIdentity(was, is);
  }

  /** Whose key of CURVE it is, of those that have come in with it at the listener lately. Each connection may ask once. */
  ownerOf(listener: string, publicKey: string): Proven | undefined {
    const owner = this.owners.take(listener, publicKey);
    if (owner?.source === undefined) {
      return owner?.identity;
    }
    // The list may have changed since.
    const entry = this.table.byCurveKey(publicKey);
    if (entry === undefined || !sameIdentity(entry.source, owner.source)) {
      return undefined;
    }
    this.listed.add(entry.identity);
    return entry.identity;
  }

  /** The identity that may sign requests by that name. */
  signer(name: string): IdentityEntry | undefined {
    const entry = this.table.byName(name);
    return entry !== undefined && entry.source.signingKeys.length > 0 ? entry : undefined;
  }

  /** Whether a listener lets in whoever proves nothing. */
  isAnonymous({ anonymous, mechanism }: ResolvedListener): boolean {
    return anonymous ?? (mechanism !== 'PLAIN' && !this.isAsked);
  }

  /** Whether there is anything at a listener that can prove who somebody is. */
  private canProve({ mechanism, tls }: ResolvedListener): boolean {
    return mechanism !== 'NULL' || tls?.ca !== undefined || this.options.authenticator !== undefined;
  }

  private decide(
    credentials: ZmqCredentials,
    listener: ResolvedListener,
    isAnonymous: boolean,
  ): Verdict | Promise<Verdict> {
    const verdict = this.identify(credentials, isAnonymous);
    return verdict instanceof Promise
      ? verdict.then(
          decided => this.remembered(this.admitted(decided, listener), credentials),
          () => refused('failed'),
        )
      : this.remembered(this.admitted(verdict, listener), credentials);
  }

  /** Whether the listener is for somebody with these roles. */
  private admitted(verdict: Verdict, { admit, roles }: ResolvedListener): Verdict {
    if (!verdict.admitted) {
      return verdict;
    }
    const all = [...roles, ...(verdict.identity?.roles ?? [])];
    if (admit.length > 0 && !admit.some(role => all.includes(role))) {
      return refused('wrong-role');
    }
    return verdict;
  }

  /** Remembers whose key it was until the client says hello. */
  private remembered(verdict: Verdict, { listener, publicKey }: ZmqCredentials): Verdict {
    const identity = verdict.admitted ? verdict.identity : undefined;
    if (publicKey !== undefined && identity !== undefined) {
      const source = this.listed.has(identity) ? this.table.byName(identity.name)?.source : undefined;
      this.owners.admitted(listener, publicKey, { identity, source });
    } else if (publicKey !== undefined) {
      this.owners.refused(listener, publicKey);
    }
    return verdict;
  }

  private identify(credentials: ZmqCredentials, isAnonymous: boolean): Verdict | Promise<Verdict> {
    const { username, certificate, publicKey } = credentials;
    if (username !== undefined) {
      return this.byPassword(credentials, username);
    }
    if (publicKey !== undefined) {
      return this.known(this.table.byCurveKey(publicKey), credentials) ?? this.ask(credentials, isAnonymous);
    }
    if (certificate !== undefined) {
      const entry = this.table.byCertificate(certificate);
      if (entry === 'ambiguous') {
        return refused('unknown');
      }
      // A certificate that names somebody who is in no list proves a name, and the authenticator says whose that is.
      const isListed = entry !== undefined && this.table.byName(entry.identity.name) === entry;
      return this.options.authenticator !== undefined && !isListed
        ? this.ask(credentials, isAnonymous)
        : (this.known(entry, credentials) ?? this.ask(credentials, isAnonymous));
    }
    return this.ask(credentials, isAnonymous);
  }

  private known(entry: IdentityEntry | undefined, { address }: ZmqCredentials): Verdict | undefined {
    if (entry === undefined) {
      return undefined;
    }
    this.listed.add(entry.identity);
    return entry.mayComeFrom(address) ? { admitted: true, identity: entry.identity } : refused('wrong-address');
  }

  private async byPassword(credentials: ZmqCredentials, name: string): Promise<Verdict> {
    const { address, password = '' } = credentials;
    const entry = this.table.byName(name);
    const hashes = entry?.source.passwords;
    const attempt = { name, password, hashes };
    if (this.passwords.recognises(attempt)) {
      return this.known(entry, credentials) ?? refused('unknown');
    }
    const verdict = await this.attempts.try(
      address,
      rank => this.checkPassword({ ...attempt, rank }, entry, credentials),
      outcome => !outcome.admitted && outcome.failure !== 'too-many',
    );
    return verdict ?? refused('too-many');
  }

  private async checkPassword(
    attempt: Parameters<PasswordVerifier['verify']>[0],
    entry: IdentityEntry | undefined,
    credentials: ZmqCredentials,
  ): Promise<Verdict> {
    const { name, hashes } = attempt;
    if (this.options.authenticator !== undefined && (hashes === undefined || hashes.length === 0)) {
      return this.ask(credentials, false);
    }
    const outcome = await this.passwords.verify(attempt);
    if (outcome === 'right') {
      // The list may have changed while the password was looked at.
      return this.known(this.table.byName(name) === entry ? entry : undefined, credentials) ?? refused('unknown');
    }
    return refused(outcome === 'busy' ? 'too-many' : 'wrong-password');
  }

  /** Who the application says it is, where the list does not know. */
  private ask(credentials: ZmqCredentials, isAnonymous: boolean): Verdict | Promise<Verdict> {
    const { authenticator } = this.options;
    const { username, certificate, publicKey } = credentials;
    const hasNothing = username === undefined && certificate === undefined && publicKey === undefined;
    const otherwise = isAnonymous ? NOBODY : refused(hasNothing ? 'anonymous' : 'unknown');
    return authenticator === undefined ? otherwise : this.askAuthenticator(authenticator, credentials, otherwise);
  }

  private async askAuthenticator(
    authenticator: ZmqAuthenticator,
    credentials: ZmqCredentials,
    otherwise: Verdict,
  ): Promise<Verdict> {
    const { timeout, onFailed } = this.options;
    if (!(await this.turnstile.enter())) {
      return refused('too-many');
    }
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`The authenticator did not answer within ${timeout} ms.`)), timeout);
      // A server that has closed must not keep its process for that.
      timer.unref();
    });
    try {
      const answer: unknown = await Promise.race([authenticator.authenticate(credentials), late]);
      return answer === undefined || answer === null
        ? otherwise
        : { admitted: true, identity: identityOf(answer as Partial<ZmqIdentity>) };
    } catch (error) {
      onFailed(error);
      return refused('failed');
    } finally {
      clearTimeout(timer);
      this.turnstile.leave();
    }
  }
}

/** @throws Error if it is none */
function identityOf({ name, roles = [] }: Partial<ZmqIdentity>): Proven {
  if (!isIdentityName(name) || !Array.isArray(roles) || !roles.every(isRole)) {
    throw new Error('The authenticator gave something that is no identity: it has a name and a list of roles.');
  }
  return Object.freeze({ name, roles: Object.freeze([...roles]) });
}

function refused(failure: AuthenticationFailure): Verdict {
  return { admitted: false, failure };
}
