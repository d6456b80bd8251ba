import { Authentication } from '../../gate/authentication.js';
import type { ZmqCredentials } from '../../options/authenticator.js';
import { invalid } from '../../options/fields.js';
import type { ResolvedIdentity } from '../../options/identity-options.js';
import type { ResolvedListener } from '../../options/listener-options.js';
import { sameIdentity } from '../../security/same-identity.js';
import type { Authenticate, PeerOrigin, Verdict } from '../../security/verdict.js';

const NOBODY: Verdict = Object.freeze({ admitted: true, identity: undefined });

export interface GateSecurityOptions {
  readonly listen: readonly ResolvedListener[];
  readonly identities: ReadonlyMap<string, ResolvedIdentity>;
}

/** Who may connect, by one state of the settings. */
export class GateSecurity {
  private readonly decisions: ReadonlyMap<string, Authenticate | undefined>;

  /** @throws {@link ZmqException} `INVALID_OPTIONS` for a listener that could let nobody in */
  constructor(private readonly options: GateSecurityOptions) {
    const { listen, identities } = options;
    const authentication = new Authentication({
      identities,
      authenticator: undefined,
      timeout: 0,
      onFailed: () => undefined,
    });
    const hopeless = listen.find(listener => authentication.isHopeless(listener));
    if (hopeless !== undefined) {
      throw invalid(
        `${hopeless.name} would let nobody in: nothing there can prove who somebody is. Give it tls:// with --tls-ca or ` +
          'config.tls.caFile, or the mechanism PLAIN, or set anonymous: true for it.',
      );
    }
    this.decisions = new Map(listen.map(listener => [listener.name, authentication.decisionFor(listener)]));
  }

  /** Whether everybody is let in at a listener. No other identities can change that. */
  isOpenAt(listener: string): boolean {
    return this.decisions.get(listener) === undefined;
  }

  decide(credentials: ZmqCredentials): Verdict | Promise<Verdict> {
    return this.decisions.get(credentials.listener)?.(credentials) ?? NOBODY;
  }

  /** Whether somebody who was let in before would be let in as the same now. */
  keeps(origin: PeerOrigin, before: GateSecurity): boolean {
    const { mechanism, identity } = origin;
    if (mechanism === 'PLAIN') {
      // The password has not been kept.
      const was = before.identityOf(identity?.name);
      const is = this.identityOf(identity?.name);
      return was !== undefined && is !== undefined && sameIdentity(was, is);
    }
    const verdict = this.decide({ ...origin, username: undefined, password: undefined, publicKey: undefined });
    return !(verdict instanceof Promise) && verdict.admitted && verdict.identity?.name === identity?.name;
  }

  private identityOf(name: string | undefined): ResolvedIdentity | undefined {
    return name === undefined ? undefined : this.options.identities.get(name);
  }
}
