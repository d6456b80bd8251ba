import { describe } from './bytes.js';
import { cidrList } from './cidr.js';
import { invalid, mergeFields, resolveFields, type Field } from './fields.js';
import { mergeGateOptions, type ResolvedGateOptions, type ZmqGateOptions } from './gate-options.js';
import type { ResolvedListener } from './listener-options.js';

/** What can be changed of a listener while it listens. */
export interface ZmqListenerChanges {
  /** Of a listener with limits of its own. What is not named stays as it is. */
  readonly gate?: ZmqGateOptions;
  /** Takes the place of the list before. Connections from elsewhere are ended, with the engine `gate`. */
  readonly allow?: string | readonly string[];
  /** Takes the place of the list before. Connections from there are ended, with the engine `gate`. */
  readonly deny?: string | readonly string[];
}

/** What holds for a listener. */
export interface ZmqListenerLimits {
  /** Its own; `undefined` if it shares those of the server. */
  readonly gate: ResolvedGateOptions | undefined;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

const asGiven = (value: unknown) => value;
const FIELDS = { gate: asGiven, allow: asGiven, deny: asGiven };

/**
 * Listeners with what changes of some of them. Those that have limits of their own take over what changed for all.
 *
 * @param gate limits of the server
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the listener
 */
export function changeListeners(
  listeners: readonly ResolvedListener[],
  changes: unknown,
  gate: ResolvedGateOptions,
  where: string,
): readonly ResolvedListener[] {
  const option = `${where}.listeners`;
  if (changes !== undefined && (typeof changes !== 'object' || changes === null || Array.isArray(changes))) {
    throw invalid(`${option} must be an object of changes by the name of a listener, but is ${describe(changes)}.`);
  }
  const given = new Map(Object.entries(changes ?? {}));
  for (const name of given.keys()) {
    if (!listeners.some(listener => listener.name === name)) {
      const names = listeners.map(listener => describe(listener.name)).join(', ');
      throw invalid(`${option} has ${describe(name)}, which is no listener. There are ${names}.`);
    }
  }
  return Object.freeze(
    listeners.map(listener => {
      const own = resolveFields(given.get(listener.name), FIELDS, `${option}[${describe(listener.name)}]`);
      return changed(listener, own, gate, `${option}[${describe(listener.name)}]`);
    }),
  );
}

/** What holds for each listener, by name. */
export function listenerLimits(listeners: readonly ResolvedListener[]): Readonly<Record<string, ZmqListenerLimits>> {
  return Object.fromEntries(listeners.map(({ name, gate, allow, deny }) => [name, { gate, allow, deny }]));
}

function changed(
  listener: ResolvedListener,
  changes: { readonly gate: unknown; readonly allow: unknown; readonly deny: unknown },
  gate: ResolvedGateOptions,
  option: string,
): ResolvedListener {
  const { ownGate } = listener;
  if (changes.gate !== undefined && ownGate === undefined) {
    throw invalid(`${option}.gate cannot be changed: the listener shares the limits of its server.`);
  }
  if ((changes.allow !== undefined || changes.deny !== undefined) && !/^t(cp|ls):/.test(listener.endpoint)) {
    throw invalid(`${option} has no network addresses for allow or deny.`);
  }
  const isAsked = listener.mechanism !== 'NULL' || listener.allow.length + listener.deny.length > 0;
  if ((changes.allow !== undefined || changes.deny !== undefined) && listener.engine === 'zeromq' && !isAsked) {
    throw invalid(
      `${option} had neither allow nor deny when the server started, and libzmq does not ask about addresses later.`,
    );
  }
  if (ownGate !== undefined && changes.gate !== undefined) {
    // As it was given first, so that a wrong one is told by its name.
    mergeGateOptions(gate, changes.gate, `${option}.gate`);
  }
  const own = ownGate && (mergeFields(ownGate, (changes.gate ?? {}) as object) as ZmqGateOptions);
  const list = (name: 'allow' | 'deny') => orBefore(cidrList, listener[name])(changes[name], `${option}.${name}`);
  return Object.freeze({
    ...listener,
    ownGate: own,
    gate: own && mergeGateOptions(gate, own, `${option}.gate`),
    allow: list('allow'),
    deny: list('deny'),
  });
}

function orBefore<T>(field: Field<T>, before: T): Field<T> {
  return (value, option) => (value === undefined ? before : field(value, option));
}
