import { Admission, CONNECTION_BYTES, TLS_CONNECTION_BYTES } from '../../gate/admission.js';
import { splitBudget } from '../../limits/budget-split.js';
import { formatBytes } from '../../options/bytes.js';
import type { ResolvedListener } from '../../options/listener-options.js';
import type { ResolvedServerOptions } from '../../options/server-options.js';

/** How a server would share out its memory budget. Sizes are in bytes. */
export interface MemoryPlan {
  readonly memoryBudget: number;
  /** For messages that are not complete; 0 without the gate. */
  readonly receiving: number;
  /** For requests being handled and replies not yet taken. */
  readonly held: number;
  /** For what the garbage collector has not found yet. */
  readonly rest: number;
  readonly maxMessageSize: number;
  /** The gates that share it: one, and one for each listener with limits of its own. */
  readonly gates: readonly GatePlan[];
}

export interface GatePlan {
  readonly endpoints: readonly string[];
  readonly receiving: number;
  /** Messages of the largest size that can come in at a time. */
  readonly largestMessages: number;
  /** Connections that memory and descriptors suffice for, at most `maxConnections`. */
  readonly connections: number;
  readonly maxConnections: number;
}

export function planMemory(options: ResolvedServerOptions): MemoryPlan {
  const { memoryBudget, limits, bind, gate } = options;
  const { maxMessageSize } = limits;
  const gated = bind.filter(({ engine }) => engine === 'gate');
  const common = gated.filter(listener => listener.gate === undefined);
  const groups = [
    ...(common.length > 0 ? [common] : []),
    ...gated.filter(listener => listener.gate !== undefined).map(listener => [listener]),
  ];
  if (groups.length === 0) {
    return { memoryBudget, receiving: 0, held: memoryBudget, rest: 0, maxMessageSize, gates: [] };
  }
  const { receiving, held } = splitBudget(memoryBudget, maxMessageSize);
  const share = 1 / groups.length;
  const admission = new Admission({ limit: held }, share);
  const gates = groups.map(listeners => {
    const own = listeners[0]?.gate ?? gate;
    return {
      endpoints: listeners.map(({ endpoint }) => endpoint),
      receiving: Math.floor(receiving * share),
      largestMessages: Math.floor((receiving * share) / maxMessageSize),
      connections: admission.mostOf(own, costOf(listeners)),
      maxConnections: own.maxConnections,
    };
  });
  return { memoryBudget, receiving, held, rest: memoryBudget - receiving - held, maxMessageSize, gates };
}

/** Of the dearest connection that there may be. */
function costOf(listeners: readonly ResolvedListener[]): number {
  return listeners.some(({ tls }) => tls !== undefined) ? TLS_CONNECTION_BYTES : CONNECTION_BYTES;
}

export function memoryLines({ memoryBudget, receiving, held, rest, maxMessageSize, gates }: MemoryPlan): string[] {
  if (gates.length === 0) {
    return [`${formatBytes(memoryBudget)} for what is handled; libzmq's own queues are not in it`];
  }
  const parts = [
    `${formatBytes(receiving)} for incomplete messages`,
    `${formatBytes(held)} for what is handled`,
    `${formatBytes(rest)} for garbage`,
  ];
  return [
    `${formatBytes(memoryBudget)}: ${parts.join(', ')}`,
    ...gates.map(
      ({ endpoints, largestMessages, connections, maxConnections }) =>
        `${endpoints.join(', ')}: ${largestMessages} messages of ${formatBytes(maxMessageSize)} at a time, ` +
        `${connections} connections (maxConnections is ${maxConnections})`,
    ),
  ];
}
