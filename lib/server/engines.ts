import { GateServerSocket } from '../gate/gate-server-socket.js';
import type { GateBind } from '../gate/door.js';
import type { TlsReload } from '../gate/tls-handshakes.js';
import { splitBudget } from '../limits/budget-split.js';
import { ByteBudget } from '../limits/byte-budget.js';
import type { ResolvedGateOptions } from '../options/gate-options.js';
import type { ResolvedListener } from '../options/listener-options.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import { AddressRules } from '../security/address-list.js';
import type { ZmqCredentials } from '../options/authenticator.js';
import type { Authenticate, Verdict } from '../security/verdict.js';
import { RouterSocket } from '../socket/router-socket.js';
import type { ServerSocket } from '../socket/server-socket.js';
import { CompositeSocket, type CompositePart } from './composite-socket.js';

export interface Engines {
  readonly socket: ServerSocket;
  /** Whether any of them is libzmq's. */
  readonly hasZeromq: boolean;
  /** What the application may hold. */
  readonly budget: ByteBudget;
  /** Bytes of a payload that they can take, whatever is changed: libzmq keeps to what it was told when it was bound. */
  readonly mostMessageSize: number;
  /** Other sizes and another budget from now on. */
  readonly adjust: (options: ResolvedServerOptions) => void;
  /** Other limits of the gate; listeners with limits of their own, which the options have, keep to those. */
  readonly limit: (gate: ResolvedGateOptions, options: ResolvedServerOptions) => void;
  /** Looks at once whether files of TLS have changed. */
  readonly reloadTls: () => void;
}

export interface EngineHooks {
  /** What decides who is let in at a listener; `undefined` for everybody. */
  readonly decisionFor: (listener: ResolvedListener) => Authenticate | undefined;
  readonly onTlsReloaded: (listener: string, reload: TlsReload) => void;
}

interface Gate {
  readonly socket: GateServerSocket;
  readonly listeners: readonly ResolvedListener[];
}

/** The engines for the listeners of a server, and how they share its memory budget. */
export function createEngines(options: ResolvedServerOptions, hooks: EngineHooks): Engines {
  const { bind, limits, memoryBudget } = options;
  const gated = bind.filter(({ engine }) => engine === 'gate');
  const others = bind.filter(({ engine }) => engine === 'zeromq');
  const budget = new ByteBudget(
    gated.length === 0 ? memoryBudget : splitBudget(memoryBudget, limits.maxMessageSize).held,
  );
  const groups = groupsOf(gated);
  const gates: readonly Gate[] = groups.map((listeners, index) => ({
    listeners,
    socket: createGate(options, { ...hooks, listeners, budget, parts: groups.length, isFirst: index === 0 }),
  }));
  const routers = others.map(listener => {
    const rules = { current: new AddressRules(listener) };
    return { socket: createRouter(options, listener, { ...hooks, rules }), listeners: [listener] as const, rules };
  });
  let current = options;
  const parts: readonly CompositePart[] = [...gates, ...routers].map(({ socket, listeners }) => ({
    socket,
    bind: listeners.map(listener => bind.indexOf(listener)),
  }));
  return {
    socket: parts.length === 1 ? (parts[0] as CompositePart).socket : new CompositeSocket(parts),
    hasZeromq: routers.length > 0,
    budget,
    mostMessageSize: routers.length === 0 ? Number.POSITIVE_INFINITY : limits.maxMessageSize,
    adjust: changed => {
      const { receiving, held } = splitBudget(changed.memoryBudget, changed.limits.maxMessageSize);
      budget.limit = gates.length === 0 ? changed.memoryBudget : held;
      for (const { socket, listeners } of gates) {
        socket.adjust({ ...boundsOf(changed), receiving: receiving / gates.length });
        for (const { name } of listeners.filter(listener => isElsewhere(listener, current, changed))) {
          socket.admitFrom(name, new AddressRules(listenerOf(changed, name)));
        }
      }
      for (const { rules, listeners } of routers) {
        rules.current = new AddressRules(listenerOf(changed, listeners[0].name));
      }
      current = changed;
    },
    limit: (gate, changed) => {
      for (const { socket, listeners } of gates) {
        socket.limits = changed.bind.find(({ name }) => name === listeners[0]?.name)?.gate ?? gate;
      }
    },
    reloadTls: () => {
      for (const { socket } of gates) {
        socket.reloadTls();
      }
    },
  };
}

/** Listeners that share limits and memory: all but those that have limits of their own. */
function groupsOf(gated: readonly ResolvedListener[]): readonly (readonly ResolvedListener[])[] {
  const common = gated.filter(({ gate }) => gate === undefined);
  const own = gated.filter(({ gate }) => gate !== undefined).map(listener => [listener]);
  return common.length === 0 ? own : [common, ...own];
}

function createGate(
  options: ResolvedServerOptions,
  {
    listeners,
    budget,
    parts,
    isFirst,
    decisionFor,
    onTlsReloaded,
  }: EngineHooks & {
    readonly listeners: readonly ResolvedListener[];
    readonly budget: ByteBudget;
    readonly parts: number;
    readonly isFirst: boolean;
  },
): GateServerSocket {
  const { socket, gate, memoryBudget, limits } = options;
  const { receiving } = splitBudget(memoryBudget, limits.maxMessageSize);
  const { memoryBudget: _watched, ...bounds } = boundsOf(options);
  return new GateServerSocket({
    ...bounds,
    // One of them watches over the memory of the process for all.
    ...(isFirst && { memoryBudget }),
    bind: listeners.map(listener => bindOf(listener, decisionFor)),
    socket,
    gate: listeners[0]?.gate ?? gate,
    receiving: receiving / parts,
    share: 1 / parts,
    budget,
    onTlsReloaded,
  });
}

function bindOf(listener: ResolvedListener, decisionFor: EngineHooks['decisionFor']): GateBind {
  const { endpoint, name, tls, mechanism, allow, deny, roles } = listener;
  return {
    endpoint,
    name,
    tls,
    mechanism: mechanism === 'PLAIN' ? 'PLAIN' : 'NULL',
    authenticate: decisionFor(listener),
    allow,
    deny,
    roles,
  };
}

function boundsOf({ limits, memoryBudget, stallTimeout }: ResolvedServerOptions) {
  const { maxMessageSize, outboxSize } = limits;
  return { maxMessageSize, stallTimeout, memoryBudget, backedUpWindow: outboxSize };
}

function createRouter(
  { limits, socket, curve }: ResolvedServerOptions,
  listener: ResolvedListener,
  { decisionFor, rules }: EngineHooks & { readonly rules: MutableRules },
): RouterSocket {
  const { endpoint, name, mechanism, roles } = listener;
  return new RouterSocket({
    bind: [endpoint],
    maxMessageSize: limits.maxMessageSize,
    socket,
    security: {
      origin: Object.freeze({
        listener: name,
        mechanism,
        address: undefined,
        identity: undefined,
        listenerRoles: roles,
        certificate: undefined,
      }),
      curve,
      authenticate: guarded(listener, rules, decisionFor(listener)),
    },
  });
}

interface MutableRules {
  current: AddressRules;
}

/** libzmq does not keep addresses away by itself, but says where a connection comes from when it asks who that is. */
function guarded(
  { endpoint, mechanism }: ResolvedListener,
  rules: MutableRules,
  authenticate: Authenticate | undefined,
): Authenticate | undefined {
  // Rules may change while the server runs, but libzmq asks about all connections or about none.
  if (!endpoint.startsWith('tcp:') || (mechanism === 'NULL' && rules.current.isOpen)) {
    return authenticate;
  }
  const checked = ({ address }: ZmqCredentials, verdict: Verdict): Verdict => {
    const { current } = rules;
    const isElsewhere = !current.isOpen && (address === undefined || !current.admits(address));
    return isElsewhere ? { admitted: false, failure: 'wrong-address' } : verdict;
  };
  return credentials => {
    const first = checked(credentials, { admitted: true, identity: undefined });
    if (!first.admitted || authenticate === undefined) {
      return first;
    }
    const verdict = authenticate(credentials);
    // The rules may be others by then, and libzmq cannot end a connection.
    return verdict instanceof Promise ? verdict.then(decided => checked(credentials, decided)) : verdict;
  };
}

function listenerOf({ bind }: ResolvedServerOptions, name: string): ResolvedListener {
  return bind.find(listener => listener.name === name) as ResolvedListener;
}

/** Whether a listener is for other networks than before. */
function isElsewhere({ name }: ResolvedListener, before: ResolvedServerOptions, after: ResolvedServerOptions): boolean {
  const [one, other] = [listenerOf(before, name), listenerOf(after, name)];
  return one.allow !== other.allow || one.deny !== other.deny;
}
