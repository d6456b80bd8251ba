import { formatBytes } from '../../options/bytes.js';
import type { ResolvedServerOptions } from '../../options/server-options.js';
import { advisoriesFor, isKnownVersion } from '../../security/libzmq-advisories.js';
import type { Finding } from './finding.js';
import type { ListenerReport } from './listener-report.js';
import type { MemoryPlan } from './memory-plan.js';

/** Messages of the largest size that should be able to come in at a time. */
const FEW_MESSAGES = 4;

/** The libzmq that was loaded. */
export interface Libzmq {
  readonly version: string;
  readonly capabilities: readonly string[];
}

/** Known flaws of the libzmq that was loaded. */
export function* examineLibzmq({ version }: Libzmq): IterableIterator<Finding> {
  if (!isKnownVersion(version)) {
    yield warning(`libzmq calls itself '${version}', so its known flaws cannot be told.`);
  }
  const flaws = advisoriesFor(version);
  if (flaws.length > 0) {
    const list = flaws.map(({ id, fixedIn }) => `${id} (fixed in ${fixedIn})`).join(', ');
    yield warning(`libzmq ${version} has known flaws: ${list}.`);
  }
}

/** What is wrong, or worth a thought, with where a server listens. */
export function* examineListeners(
  listeners: readonly ListenerReport[],
  { allowInsecure, bind }: ResolvedServerOptions,
  { capabilities }: Libzmq,
): IterableIterator<Finding> {
  for (const { endpoint, problem, reach, engine } of listeners) {
    if (problem !== undefined) {
      yield allowInsecure
        ? warning(`${endpoint} ${problem}; allowInsecure lets it be so.`)
        : error(`${endpoint} ${problem}. A server would not start, see allowInsecure.`);
    }
    if (reach === 'other machines' && engine === 'zeromq') {
      yield warning(`${endpoint} is carried by libzmq, which does not bound its memory against a hostile peer.`);
    }
  }
  if (bind.some(({ mechanism }) => mechanism === 'CURVE') && !capabilities.includes('curve')) {
    yield error('This libzmq was built without CURVE.');
  }
}

/** Limits that get in each other's way. */
export function* examineLimits(
  { limits, memoryBudget, bind, socket }: ResolvedServerOptions,
  { gates, maxMessageSize }: MemoryPlan,
): IterableIterator<Finding> {
  for (const name of ['outboxSize', 'streamBuffer', 'eventWindow'] as const) {
    if (limits[name] > memoryBudget) {
      const [size, budget] = [limits[name], memoryBudget].map(formatBytes);
      yield warning(`limits.${name} (${size}) is above memoryBudget (${budget}), which ends first.`);
    }
  }
  for (const { endpoints, largestMessages } of gates) {
    if (largestMessages < FEW_MESSAGES) {
      yield warning(
        `${endpoints.join(', ')}: memoryBudget leaves room for ${largestMessages} incomplete messages of ` +
          `maxMessageSize (${formatBytes(maxMessageSize)}); peers with large ones will wait for each other.`,
      );
    }
  }
  const queued = maxMessageSize * socket.receiveHighWaterMark;
  if (
    queued > memoryBudget &&
    bind.some(({ engine, endpoint }) => engine === 'zeromq' && endpoint.startsWith('tcp:'))
  ) {
    yield warning(
      `libzmq may keep ${formatBytes(queued)} of each peer (limits.maxMessageSize × socket.receiveHighWaterMark), ` +
        `which memoryBudget (${formatBytes(memoryBudget)}) does not bound.`,
    );
  }
}

function error(text: string): Finding {
  return { level: 'error', text };
}

function warning(text: string): Finding {
  return { level: 'warning', text };
}
