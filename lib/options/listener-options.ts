import type { ZmqMechanism } from './authenticator.js';
import { describe } from './bytes.js';
import { cidrList } from './cidr.js';
import type { ZmqEngine } from './client-options.js';
import type { ResolvedServerCurve } from './curve-options.js';
import { bindEndpoints } from './endpoint.js';
import { choice, flag, invalid, resolveFields, type Field, type Resolved } from './fields.js';
import { gateOptions, mergeGateOptions, type ResolvedGateOptions, type ZmqGateOptions } from './gate-options.js';
import { roleList } from './identity-options.js';
import { serverTlsOptions, type ResolvedServerTls, type ZmqServerTlsOptions } from './tls-options.js';

/** Where a server listens, and for whom. */
export interface ZmqListenerOptions {
  /**
   * `tcp://host:port`, `tls://host:port`, `ipc://path` or `inproc://name`. The host is an address, a name, `*` for all
   * addresses of the machine, or the name of a network interface (`tcp://eth1:5555`).
   */
  readonly endpoint: string;
  /** Its name in contexts, events and logs, 1 to 64 characters. @defaultValue the endpoint, and a number where several have the same */
  readonly name?: string;
  /**
   * ZMTP's security mechanism. `CURVE` is carried by libzmq; `PLAIN` is taken on this machine and within TLS alone.
   * @defaultValue the server's `mechanism`
   */
  readonly mechanism?: ZmqMechanism;
  /** For `tls://`. @defaultValue the server's `tls` */
  readonly tls?: ZmqServerTlsOptions;
  /** Whether peers without a proven identity are let in. @defaultValue the server's `anonymous` */
  readonly anonymous?: boolean;
  /** Networks that may connect, e.g. `['10.0.0.0/8', '2001:db8::/32']`. Others are cut off before a byte is read; by libzmq, once it has greeted them. @defaultValue all */
  readonly allow?: string | readonly string[];
  /** Networks that may not, whatever `allow` says. @defaultValue none */
  readonly deny?: string | readonly string[];
  /** Roles that all peers of the listener have, beside those of their identity. @defaultValue none */
  readonly roles?: string | readonly string[];
  /** Roles of which a peer must have one to be let in. @defaultValue any or none */
  readonly admit?: string | readonly string[];
  /** Limits of this listener's own, and with them a share of the memory for incomplete messages that no other listener's peers can use up. What is not named is as in the server's `gate`. */
  readonly gate?: ZmqGateOptions;
}

export interface ResolvedListener {
  readonly endpoint: string;
  readonly name: string;
  readonly engine: ZmqEngine;
  readonly mechanism: ZmqMechanism;
  readonly tls: ResolvedServerTls | undefined;
  readonly anonymous: boolean | undefined;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly roles: readonly string[];
  readonly admit: readonly string[];
  /** Limits of its own, if it has any, */
  readonly gate: ResolvedGateOptions | undefined;
  /** and what of them was given. */
  readonly ownGate: ZmqGateOptions | undefined;
}

/** What listeners take from their server. */
export interface ListenerDefaults {
  readonly engine: ZmqEngine;
  readonly mechanism: ZmqMechanism | undefined;
  readonly tls: ResolvedServerTls | undefined;
  readonly curve: ResolvedServerCurve | undefined;
  readonly anonymous: boolean | undefined;
  readonly gate: ResolvedGateOptions;
}

export const MECHANISMS = ['NULL', 'PLAIN', 'CURVE'] as const satisfies readonly ZmqMechanism[];

/** An option that others decide when it is not given. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return (value, option) => (value === undefined ? undefined : field(value, option));
}

const name: Field<string | undefined> = (value, option) => {
  if (value !== undefined && (typeof value !== 'string' || !/^[^\p{Cc}]{1,64}$/u.test(value))) {
    throw invalid(`${option} must be a text of 1 to 64 characters, but is ${describe(value)}.`);
  }
  return value;
};

const ownGate: Field<ZmqGateOptions | undefined> = (value, option) => {
  gateOptions(value, option);
  // It is needed again whenever limits of the server change; what is given may have changed by then.
  return Object.freeze(structuredClone(value)) as ZmqGateOptions | undefined;
};

const FIELDS = {
  endpoint: (value: unknown, option: string) => {
    if (typeof value !== 'string') {
      throw invalid(`${option} must be an endpoint such as 'tcp://127.0.0.1:5555', but is ${describe(value)}.`);
    }
    return value;
  },
  name,
  mechanism: optional(choice(MECHANISMS, 'NULL')),
  tls: serverTlsOptions,
  anonymous: optional(flag(true)),
  allow: cidrList,
  deny: cidrList,
  roles: roleList,
  admit: roleList,
  gate: ownGate,
};

export type GivenListener = Resolved<typeof FIELDS>;

/** The option `bind`: one or several endpoints, or listeners with options of their own. */
export function listenerList(fallback: string): Field<readonly GivenListener[]> {
  return (value = fallback, option) => {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    const given = items.map((item, index) => {
      const where = Array.isArray(value) ? `${option}[${index}]` : option;
      return typeof item === 'object'
        ? resolveFields(item, FIELDS, where)
        : resolveFields({ endpoint: item }, FIELDS, where);
    });
    const texts = items.map((item, index) => (typeof item === 'object' ? given[index]?.endpoint : item));
    const endpoints = bindEndpoints(fallback)(Array.isArray(value) ? texts : texts[0], option);
    return given.map((listener, index) => Object.freeze({ ...listener, endpoint: endpoints[index] as string }));
  };
}

/**
 * Completes listeners by what their server says.
 *
 * @param option - name of the option that lists them
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the listener
 */
export function completeListeners(
  given: readonly GivenListener[],
  defaults: ListenerDefaults,
  where: string,
  option = 'bind',
): readonly ResolvedListener[] {
  const listeners = named(given).map(listener => completed(listener, defaults, { where, list: `${where}.${option}` }));
  const names = listeners.map(listener => listener.name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined) {
    throw invalid(`${where}.${option} has two listeners named '${twice}'.`);
  }
  return Object.freeze(listeners);
}

/** Endpoints of any port may look the same, and each listener has a name of its own: what is decided about one is found by it. */
function named(given: readonly GivenListener[]): readonly GivenListener[] {
  const taken = new Set(given.flatMap(({ name: own }) => own ?? []));
  return given.map(listener => {
    const { endpoint } = listener;
    let label = listener.name ?? endpoint;
    for (let number = 2; listener.name === undefined && taken.has(label); number++) {
      label = `${endpoint} (${number})`;
    }
    taken.add(label);
    return { ...listener, name: label };
  });
}

function completed(
  given: GivenListener,
  defaults: ListenerDefaults,
  { where, list }: { readonly where: string; readonly list: string },
): ResolvedListener {
  const { endpoint, name: label = endpoint, tls = defaults.tls, anonymous = defaults.anonymous, ...rest } = given;
  const [scheme = ''] = endpoint.split(':');
  const mechanism = mechanismOf(given, scheme, defaults, where);
  const engine = scheme === 'tls' ? 'gate' : scheme !== 'tcp' || mechanism === 'CURVE' ? 'zeromq' : defaults.engine;
  const refuse = (what: string) => invalid(`${list}: ${endpoint} ${what}`);
  if (scheme === 'tls' && tls === undefined) {
    throw refuse(`needs a certificate: ${where}.tls, or tls of the listener.`);
  }
  if (scheme !== 'tls' && given.tls !== undefined) {
    throw refuse('has tls, which tls:// endpoints alone can have.');
  }
  if (scheme === 'tls' && mechanism === 'CURVE') {
    throw refuse('cannot have CURVE: TLS encrypts already, and only libzmq carries CURVE.');
  }
  if (mechanism === 'CURVE' && defaults.curve === undefined) {
    throw refuse(`needs a key for CURVE: ${where}.curve.`);
  }
  if (mechanism === 'PLAIN' && anonymous === true) {
    throw refuse('has PLAIN, which lets in nobody without a password; anonymous must not be true.');
  }
  if (engine !== 'gate' && given.gate !== undefined) {
    throw refuse('has limits of the gate, but is carried by libzmq.');
  }
  if (scheme === 'inproc' && (mechanism !== 'NULL' || given.allow.length + given.deny.length > 0)) {
    throw refuse('is within this process: neither mechanism nor allow nor deny have a meaning there.');
  }
  if (scheme === 'ipc' && given.allow.length + given.deny.length > 0) {
    throw refuse('has no network addresses for allow or deny.');
  }
  return Object.freeze({
    ...rest,
    endpoint,
    name: label,
    engine,
    mechanism,
    anonymous: mechanism === 'PLAIN' ? false : anonymous,
    tls: scheme === 'tls' ? tls : undefined,
    ownGate: given.gate,
    gate: given.gate && mergeGateOptions(defaults.gate, given.gate, `${list}.gate`),
  });
}

/** What the server says goes for the endpoints that can have it, unless a listener says otherwise. */
function mechanismOf(
  given: GivenListener,
  scheme: string,
  { mechanism, curve }: ListenerDefaults,
  where: string,
): ZmqMechanism {
  if (given.mechanism !== undefined) {
    return given.mechanism;
  }
  const wanted = mechanism ?? (curve === undefined ? 'NULL' : 'CURVE');
  if (wanted === 'CURVE' && curve === undefined) {
    throw invalid(`${where}.curve must be given with mechanism 'CURVE'.`);
  }
  return scheme === 'inproc' || (wanted === 'CURVE' && scheme === 'tls') ? 'NULL' : wanted;
}
