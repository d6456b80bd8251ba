import type { ZmqMechanism } from '../../options/authenticator.js';
import { describe } from '../../options/bytes.js';
import { invalid, type Field } from '../../options/fields.js';
import type { ResolvedGateOptions } from '../../options/gate-options.js';
import { identityOptions, type ResolvedIdentity } from '../../options/identity-options.js';
import {
  completeListeners,
  listenerList,
  MECHANISMS,
  type GivenListener,
  type ResolvedListener,
} from '../../options/listener-options.js';
import type { ResolvedServerTls } from '../../options/tls-options.js';

/** What all listeners take over that say nothing else. */
export interface GateListenerDefaults {
  readonly tls: ResolvedServerTls | undefined;
  readonly mechanism: Exclude<ZmqMechanism, 'CURVE'> | undefined;
  readonly anonymous: boolean | undefined;
  /** For listeners without a list of their own. */
  readonly allow: readonly string[];
  /** Beside those of each listener. */
  readonly deny: readonly string[];
  readonly gate: ResolvedGateOptions;
}

const NO_CURVE = 'libzmq alone carries CURVE, and the gate is there in its stead. Encrypt by tls:// instead';

/** The option `listen`; `undefined` where it is not given: there is no address that would suit everybody. */
export const listen: Field<readonly GivenListener[] | undefined> = (value, option) => {
  if (value === undefined) {
    return undefined;
  }
  const given = listenerList('')(value, option);
  for (const { endpoint, mechanism, gate } of given) {
    if (!/^(tcp|tls):/.test(endpoint)) {
      throw invalid(`${option} must be tcp://host:port or tls://host:port, but is ${describe(endpoint)}.`);
    }
    if (mechanism === 'CURVE') {
      throw invalid(`${option}: ${endpoint} cannot have CURVE: ${NO_CURVE}.`);
    }
    if (gate !== undefined) {
      throw invalid(
        `${option}: ${endpoint} has limits of its own, but all listeners of the program share one set of them, ` +
          'config.gate. Run a second gate for others.',
      );
    }
  }
  refuseLookalikes(given, option);
  return given;
};

/** The option `mechanism`. */
export const mechanism: Field<GateListenerDefaults['mechanism']> = (value, option) => {
  if (value === undefined || value === 'NULL' || value === 'PLAIN') {
    return value;
  }
  const isOther = MECHANISMS.includes(value as ZmqMechanism);
  throw invalid(`${option} must be one of NULL, PLAIN, but is ${describe(value)}${isOther ? `: ${NO_CURVE}` : ''}.`);
};

/** The option `identities`, of those who connect. Keys that the gate has no use for should not lie around there. */
export const identities: Field<ReadonlyMap<string, ResolvedIdentity>> = (value, option) => {
  const resolved = identityOptions(value, option);
  for (const { name, signingKeys, curveKeys } of resolved.values()) {
    const where = `${option}[${describe(name)}]`;
    if (signingKeys.length > 0) {
      throw invalid(
        `${where}.signingKey has no effect here: servers judge signed requests, the gate does not. Leave it out.`,
      );
    }
    if (curveKeys.length > 0) {
      throw invalid(`${where}.curveKey has no effect here: ${NO_CURVE}.`);
    }
  }
  return resolved;
};

/**
 * The listeners with all that goes for them.
 *
 * @param option where they were given: `--listen` or `config.listen`
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the listener
 */
export function completeGateListeners(
  given: readonly GivenListener[],
  { allow, deny, ...defaults }: GateListenerDefaults,
  option: string,
): readonly ResolvedListener[] {
  const { tls } = defaults;
  const encrypted = given.filter(({ endpoint }) => endpoint.startsWith('tls:'));
  const bare = tls === undefined ? encrypted.find(listener => listener.tls === undefined) : undefined;
  if (bare !== undefined) {
    throw invalid(`${option}: ${bare.endpoint} needs a certificate: --tls-cert and --tls-key, or config.tls.`);
  }
  if (tls !== undefined && encrypted.length === 0) {
    throw invalid(`${option} has no tls:// endpoint, without which the certificate would have no effect.`);
  }
  const guarded = given.map(listener => ({
    ...listener,
    allow: listener.allow.length > 0 ? listener.allow : allow,
    deny: [...deny, ...listener.deny],
  }));
  return completeListeners(guarded, { ...defaults, engine: 'gate', curve: undefined }, 'config', 'listen');
}

/** Rules are found by the name of a listener, and endpoints of any port look the same. */
function refuseLookalikes(given: readonly GivenListener[], option: string): void {
  const unnamed = given.filter(({ name }) => name === undefined);
  const twice = unnamed.find(
    (listener, index) =>
      unnamed.some((other, at) => at !== index && other.endpoint === listener.endpoint) && !isPlain(listener),
  );
  if (twice !== undefined) {
    throw invalid(`${option} has ${twice.endpoint} several times, not always with the same options: give each a name.`);
  }
}

function isPlain({ tls, mechanism: own, anonymous, allow, deny, roles, admit }: GivenListener): boolean {
  const isUnset = [tls, own, anonymous].every(value => value === undefined);
  return isUnset && [allow, deny, roles, admit].every(list => list.length === 0);
}
