import { Secret } from '../../options/secret.js';
import type { ResolvedIdentity } from '../../options/identity-options.js';
import type { ResolvedListener } from '../../options/listener-options.js';
import type { ResolvedServerTls } from '../../options/tls-options.js';
import { sameIdentity } from '../../security/same-identity.js';
import type { GateSettings } from './gate-settings.js';

export interface SettingsChanges {
  /** What goes from now on, and what it was. */
  readonly changed: readonly string[];
  /** What needs another process. */
  readonly ignored: readonly string[];
}

/** Changes that are told one by one; of an access list there may be thousands. */
const MAX_TOLD = 50;

/** What is different in other settings, without anything secret. */
export function settingsChanges(before: GateSettings, after: GateSettings): SettingsChanges {
  const { gate, identities, listen, ...fixed } = before;
  const { gate: newGate, identities: newIdentities, listen: newListen, ...newFixed } = after;
  return {
    changed: few([
      ...differences(gate, newGate, 'gate.'),
      ...listen.flatMap((listener, index) =>
        differences(rulesOf(listener), rulesFrom(newListen, listener), `listen.${index}.`),
      ),
      ...identityChanges(identities, newIdentities),
    ]),
    ignored: few([
      ...differences(fixed, newFixed),
      ...differences(listen.map(restOf), newListen.map(restOf), 'listen.'),
      ...listen.flatMap(({ tls }, index) =>
        textOfTls(tls) === textOfTls(newListen[index]?.tls) ? [] : [`listen.${index}.tls`],
      ),
    ]),
  };
}

/** Listeners with the access lists that others of the same names have; those that others do not name keep their own. */
export function withRulesOf(listeners: readonly ResolvedListener[], others: readonly ResolvedListener[]) {
  return listeners.map(listener => ({ ...listener, ...rulesFrom(others, listener) }));
}

/** What is different, as `gate.rate.messages: 1000 → 500`. */
export function differences(before: object, after: object, prefix = ''): string[] {
  const [was, is] = [before, after] as readonly Readonly<Record<string, unknown>>[];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap(name => {
    const [old, value] = [was?.[name], is?.[name]];
    if (isObject(old) && isObject(value)) {
      return differences(old, value, `${prefix}${name}.`);
    }
    return Object.is(old, value) ? [] : [`${prefix}${name}: ${textOf(old)} → ${textOf(value)}`];
  });
}

function few(changes: readonly string[]): readonly string[] {
  const more = changes.length - MAX_TOLD;
  return more > 0 ? [...changes.slice(0, MAX_TOLD), `${more} more`] : changes;
}

function rulesOf({ allow, deny }: ResolvedListener) {
  return { allow, deny };
}

function rulesFrom(others: readonly ResolvedListener[], listener: ResolvedListener) {
  return rulesOf(others.find(({ name }) => name === listener.name) ?? listener);
}

function restOf({ endpoint, name, mechanism, anonymous, roles, admit }: ResolvedListener) {
  return { endpoint, name, mechanism, anonymous, roles, admit };
}

function identityChanges(
  before: ReadonlyMap<string, ResolvedIdentity>,
  after: ReadonlyMap<string, ResolvedIdentity>,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap(name => {
    const [was, is] = [before.get(name), after.get(name)];
    if (was !== undefined && is !== undefined && sameIdentity(was, is)) {
      return [];
    }
    return [`identities.${name}: ${was === undefined ? 'added' : is === undefined ? 'removed' : 'changed'}`];
  });
}

/** Lives no longer than the comparison, as it has the secrets in it. */
function textOfTls(tls: ResolvedServerTls | undefined): string {
  return tls === undefined ? '' : JSON.stringify(revealed(tls));
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) {
    return value.reveal() as unknown;
  }
  if (value instanceof Map) {
    return [...value].map(([key, each]: [unknown, unknown]) => [key, revealed(each)]);
  }
  return isObject(value) ? Object.entries(value).map(([key, each]) => [key, revealed(each)]) : value;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function textOf(value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
}
