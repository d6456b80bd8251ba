import type { ZmqErrorObject } from '../errors/zmq.exception.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import type { ServerCounters } from '../monitoring/server-counters.js';
import { publicIdOf } from '../security/public-id.js';
import { printable, type SampledLog } from '../monitoring/sampled-log.js';
import type { ZmqPeer } from '../pipeline/zmq.context.js';
import type { Malformed } from '../wire/malformed.js';
import { UNKNOWN_PATTERN, type DenialReports, type ZmqDenial } from './denial-reports.js';
import type { Peer } from './peer.js';
import type { Route } from './route.js';
import type { SenderRefusal } from './senders.js';
import type { Envelope } from './vetting.js';

export type WarningKind =
  | 'malformed'
  | 'unhandled'
  | 'refused'
  | 'forbidden'
  | 'unauthenticated'
  | 'event error'
  | 'departed'
  | 'overload'
  | `violation ${ZmqViolationKind}`;

/** A message that somebody would like a handler to have. */
export interface Attempt {
  readonly sender: ZmqPeer;
  /** `undefined` if it has left meanwhile. */
  readonly peer: Pick<Peer, 'id' | 'account'> | undefined;
  /** `undefined` if there is no handler. */
  readonly route: Route | undefined;
  readonly kind: ZmqDenial['kind'];
}

/** A message of which it is not known who has sent it. */
export interface Unidentified extends Pick<Attempt, 'kind'> {
  readonly peer: Peer;
  readonly pattern: string;
}

export interface RefusalsOptions {
  readonly counters: ServerCounters;
  readonly log: SampledLog<WarningKind>;
  /** Books a violation that a refusal has answered. */
  readonly note: (peerId: string, kind: ZmqViolationKind, figures?: ZmqViolation['figures']) => void;
  readonly onMalformed: (peerId: string, reason: string) => void;
  readonly denials: DenialReports;
}

/** Keeps the books of what a server does not take: counters, violations, and a sample in the log. */
export class Refusals {
  /** Whether the server takes nothing new any more. */
  isDraining = false;

  constructor(private readonly options: RefusalsOptions) {}

  /** A message, or a part of it, does not follow the protocol. */
  malformed({ id }: { readonly id: string }, { reason, kind }: Malformed): void {
    const { counters, log, note, onMalformed } = this.options;
    counters.malformed++;
    if (kind !== 'batch-too-large') {
      note(id, kind);
    }
    const name = publicIdOf(id);
    log.warn('malformed', () => `Malformed message from peer ${name}: ${reason}.`);
    onMalformed(name, reason);
  }

  /** A request has waited longer than its caller does. */
  expired(): void {
    this.options.counters.cancelled++;
  }

  /** A request has been refused with this error. */
  request(error: ZmqErrorObject, pattern: string, peerId: string): void {
    const { counters, log, note } = this.options;
    if (error.code === 'NO_HANDLER') {
      counters.unhandled++;
      note(peerId, 'noise');
      log.warn('unhandled', () => `There is no handler for the request pattern '${printable(pattern)}'.`);
    } else if (error.code === 'MALFORMED') {
      note(peerId, 'correlation-id');
    } else {
      counters.refused++;
      if (error.code === 'OVERLOADED' && !this.isDraining) {
        note(peerId, 'overload');
      }
      log.warn('refused', () => `Refused a request for '${printable(pattern)}': ${error.code}, ${error.message}`);
    }
  }

  event(pattern: string, why: 'no handler' | 'too large' | 'overloaded' | 'shutting down', peerId: string): void {
    const { counters, log, note } = this.options;
    if (why === 'no handler') {
      counters.unhandled++;
      note(peerId, 'noise');
      log.warn('unhandled', () => `There is no handler for the event pattern '${printable(pattern)}'.`);
    } else {
      counters.refused++;
      log.warn('refused', () => `Refused an event for '${printable(pattern)}': ${why}.`);
    }
  }

  /** A handler takes no more of a sender, who may be paused for it. */
  rateLimited(peer: Peer, { pattern }: Route): void {
    const { note, counters, log } = this.options;
    note(peer.id, 'handler-rate');
    peer.account.refused();
    counters.rateLimited++;
    log.warn('refused', () => `Too many messages for '${pattern}' from one sender.`);
  }

  /** It is not known who has sent a message. Whoever goes on with wrong signatures, or without one, may be paused for it. */
  unidentified({ peer, pattern, kind }: Unidentified, { problem, error }: SenderRefusal): void {
    const { note, counters, log } = this.options;
    if (error.code !== 'UNAUTHENTICATED') {
      if (kind === 'request') {
        this.request(error, pattern, peer.id);
      } else {
        this.event(pattern, error.code === 'OVERLOADED' ? 'overloaded' : 'too large', peer.id);
      }
      return;
    }
    counters.unauthenticated++;
    note(peer.id, 'not-authenticated', { reason: `signature-${problem}` });
    peer.account.refused();
    log.warn('unauthenticated', () => `Refused a ${kind} of peer ${nameOf(peer.identity)}: signature ${problem}.`);
  }

  /** Somebody may not call a handler, or nobody may know that there is none. Whoever goes on may be paused for it. */
  forbidden({ sender, peer, route, kind }: Attempt): void {
    const { note, counters, log, denials } = this.options;
    const pattern = route?.pattern ?? UNKNOWN_PATTERN;
    counters.forbidden++;
    if (route !== undefined) {
      route.refused.access++;
    }
    if (peer !== undefined) {
      note(peer.id, 'forbidden');
      peer.account.refused();
    }
    log.warn('forbidden', () => `Peer ${nameOf(sender)} may not call '${pattern}': a ${kind} was refused.`);
    denials.add({ peer: sender, pattern, kind });
  }

  /** The limits of a handler have refused a message. */
  byHandler({ peer, route, answer }: Envelope, refusal: ZmqErrorObject): void {
    if (refusal.code === 'RATE_LIMITED') {
      this.rateLimited(peer, route);
    } else if (answer === undefined) {
      this.event(route.pattern, 'overloaded', peer.id);
    } else {
      this.request(refusal, route.pattern, peer.id);
    }
  }
}

function nameOf({ id, identity }: ZmqPeer): string {
  return identity === undefined ? id : `${id} (${identity})`;
}
