import { formatBytes } from '../../options/bytes.js';
import { Rate, type Traffic } from './traffic.js';

export interface GateStatus {
  readonly connections: number;
  /** Messages a second since the last status, to the service and from it. */
  readonly inPerSecond: number;
  readonly outPerSecond: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What waits in the program for the service and for peers, incomplete messages included. */
  readonly heldBytes: number;
  readonly memoryBudget: number;
  readonly rssBytes: number;
  readonly violations: number;
  /** Messages that never reached the service. */
  readonly dropped: number;
  readonly service: ServiceState;
}

/** `unknown` until the first connection to the service was tried. */
export type ServiceState = 'up' | 'down' | 'unknown';

export interface StatusSources {
  readonly traffic: Traffic;
  readonly memoryBudget: number;
  readonly connections: () => number;
  readonly heldBytes: () => number;
  readonly service: () => ServiceState;
  readonly now?: () => number;
}

/** Takes the figures of the program together. */
export class StatusSource {
  private readonly in: Rate;
  private readonly out: Rate;

  constructor(private readonly sources: StatusSources) {
    const now = sources.now ?? (() => performance.now());
    this.in = new Rate(now);
    this.out = new Rate(now);
  }

  read(): GateStatus {
    const { traffic, memoryBudget, connections, heldBytes, service } = this.sources;
    const { messagesIn, messagesOut, bytesIn, bytesOut, violations, dropped } = traffic;
    return {
      connections: connections(),
      inPerSecond: this.in.of(messagesIn),
      outPerSecond: this.out.of(messagesOut),
      messagesIn,
      messagesOut,
      bytesIn,
      bytesOut,
      heldBytes: heldBytes(),
      memoryBudget,
      rssBytes: process.memoryUsage.rss(),
      violations,
      dropped,
      service: service(),
    };
  }
}

/** One line for people. */
export function statusLine(status: GateStatus): string {
  const { connections, inPerSecond, outPerSecond, heldBytes, memoryBudget, violations, dropped, service } = status;
  const parts = [
    `${connections} peers`,
    `${inPerSecond}/s in`,
    `${outPerSecond}/s out`,
    `held ${formatBytes(heldBytes)} of ${formatBytes(memoryBudget)}`,
    `${violations} violations`,
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
    ...(service === 'down' ? ['service down'] : []),
  ];
  return parts.join(' · ');
}
