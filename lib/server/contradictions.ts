import { formatBytes } from '../options/bytes.js';
import type { ResolvedServerOptions } from '../options/server-options.js';
import type { Routes } from './routes.js';
import { haveSigners } from './senders.js';

/** Options that cannot both have their way. None of them does harm, but none does what was meant, either. */
export function* contradictions(options: ResolvedServerOptions, routes: Routes): IterableIterator<string> {
  const { limits, memoryBudget, concurrency, bind, socket, identities, signatures } = options;
  for (const name of ['outboxSize', 'streamBuffer', 'eventWindow'] as const) {
    if (limits[name] > memoryBudget) {
      yield `limits.${name} (${formatBytes(limits[name])}) is above memoryBudget (${formatBytes(memoryBudget)}), which ends first.`;
    }
  }
  if (signatures.required && !haveSigners(identities)) {
    yield 'signatures.required has everything refused, as no identity has a signingKey.';
  }
  const queued = limits.maxMessageSize * socket.receiveHighWaterMark;
  const isZeromq = bind.some(({ engine, endpoint }) => engine === 'zeromq' && endpoint.startsWith('tcp://'));
  if (isZeromq && queued > memoryBudget) {
    yield `libzmq may keep ${formatBytes(queued)} of each peer (limits.maxMessageSize × socket.receiveHighWaterMark), which memoryBudget (${formatBytes(memoryBudget)}) does not bound. The engine 'gate' does.`;
  }
  for (const { pattern, limits: own } of routes) {
    const { concurrency: places } = own;
    if (places !== undefined && places.limit + places.queue > concurrency.limit) {
      yield `The handler of '${pattern}' has places and a queue for ${places.limit + places.queue} calls, more than concurrency.limit of its server (${concurrency.limit}).`;
    }
  }
}
