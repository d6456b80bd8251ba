import { RpcException } from '@nestjs/microservices';
import { defer, lastValueFrom, map, mergeAll, Subject, takeUntil, throwError, timer, type Observable } from 'rxjs';
import { ZmqException } from '../errors/zmq.exception.js';
import type { ServerCounters } from '../monitoring/server-counters.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';
import { formatBytes } from '../options/bytes.js';
import type { ZmqSizeViolation } from '../pipeline/size-violation.js';
import { ZmqContext } from '../pipeline/zmq.context.js';
import type { ServerApplication } from './application.js';
import type { QueuedPacket } from '../socket/queued-packet.js';
import { toErrorObject } from './error-object.js';
import type { Replies } from './replies.js';
import type { Envelope } from './vetting.js';

/** Decisions that may be under way; beyond them payloads are refused without asking anybody. */
const MAX_DECIDING = 1_024;
/** Milliseconds that a decision may take. */
const DECIDING_MS = 5_000;

export interface SizeViolationsOptions {
  readonly application: ServerApplication | undefined;
  readonly note: (peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures']) => void;
  readonly disconnect: (peerId: string, kind: ZmqViolationKind, figures: ZmqViolation['figures']) => void;
  readonly counters: ServerCounters;
  readonly failed: (pattern: string, error: unknown) => void;
}

/** Has it decided what becomes of payloads that are too large for their handlers, and does it. */
export class SizeViolations {
  private deciding = 0;
  private readonly closed = new Subject<void>();

  constructor(private readonly options: SizeViolationsOptions) {}

  /** Whether nothing is being decided. */
  get isIdle(): boolean {
    return this.deciding === 0;
  }

  /** Decides nothing any more, and waits for no decision. */
  close(): void {
    this.closed.next();
  }

  handle({ route, peer, sender, size: actual, timeoutMs, answer, done, metadata }: Envelope): void {
    const { counters, application } = this.options;
    const { maxMessageSize: limit, onViolation } = route.limits;
    route.refused.size++;
    counters.refused++;
    const action = typeof onViolation === 'string' ? onViolation : 'reject';
    const violation: ZmqSizeViolation = { pattern: route.pattern, limit, actual, action };
    // Not the envelope itself, from which the payload can be reached: decisions take their time.
    const message: Message = { route, peer, answer };
    const isAsked = typeof onViolation === 'function' || application?.violated !== undefined;
    if (!isAsked || this.deciding >= MAX_DECIDING) {
      this.act(message, violation, { error: tooLarge(violation) });
      done?.();
      return;
    }
    const context = new ZmqContext({
      pattern: route.pattern,
      metadata: metadata(),
      peer: sender,
      deadline: timeoutMs > 0 ? Date.now() + timeoutMs : undefined,
      violation,
    });
    this.deciding++;
    void this.decide(message, violation, context).finally(() => {
      this.deciding--;
      done?.();
    });
  }

  private async decide(message: Message, violation: ZmqSizeViolation, context: ZmqContext): Promise<void> {
    const tooLate = timer(DECIDING_MS).pipe(
      map(() => {
        this.options.failed(violation.pattern, new Error(`There was no decision within ${DECIDING_MS} ms.`));
        throw tooLarge(violation);
      }),
    );
    const decision = defer(() => this.ask(message, violation, context)).pipe(
      mergeAll(),
      takeUntil(tooLate),
      takeUntil(this.closed),
    );
    let outcome: Outcome;
    try {
      outcome = { value: await lastValueFrom(decision, { defaultValue: undefined }) };
    } catch (error) {
      outcome = { error };
    }
    this.act(message, violation, outcome);
  }

  private async ask(
    { route }: Message,
    violation: ZmqSizeViolation,
    context: ZmqContext,
  ): Promise<Observable<unknown>> {
    const { onViolation } = route.limits;
    const { application, failed } = this.options;
    if (typeof onViolation === 'function') {
      try {
        violation.action = (await onViolation(violation, context)) ?? violation.action;
      } catch (error) {
        // The payload is too large whatever became of the function.
        failed(route.pattern, error);
      }
    }
    const refusal = tooLarge(violation);
    return application?.violated?.(context, refusal) ?? throwError(() => refusal);
  }

  private act({ peer, answer, route }: Message, violation: ZmqSizeViolation, outcome: Outcome): void {
    const { action, limit, actual } = violation;
    const { disconnect, note, failed } = this.options;
    const book = action === 'disconnect' ? disconnect : note;
    book(peer.id, 'handler-size', { limit, actual });
    if (peer.departed) {
      // Whoever leaves before it has been decided must not leave anything behind.
      answer?.sink.abandon?.();
      return;
    }
    // Where the engine cannot end a connection, the sender is told at least.
    if ('error' in outcome && isUnexpected(outcome.error, answer !== undefined)) {
      failed(route.pattern, outcome.error);
    }
    if (answer !== undefined && action !== 'discard') {
      answer.sink.push(roomFor(answer, packetOf(answer.replies, outcome)));
    }
    answer?.sink.settle?.();
  }
}

type Message = Pick<Envelope, 'route' | 'peer' | 'answer'>;

type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** An answer that finds no room is not kept: it becomes an error, which is small. */
function roomFor({ sink, replies }: NonNullable<Message['answer']>, packet: QueuedPacket): QueuedPacket {
  return sink.hasRoom(packet.charge)
    ? packet
    : replies.error({ code: sink.overflowCode, message: 'The answer found no room: the caller does not read.' });
}

function packetOf(replies: Replies, outcome: Outcome): QueuedPacket {
  if ('error' in outcome) {
    return replies.error(toErrorObject(outcome.error));
  }
  try {
    return replies.value(outcome.value, true);
  } catch (error) {
    return replies.error(toErrorObject(error));
  }
}

/** The refusal of a payload that is larger than its handler takes. */
export function tooLarge({ limit, actual }: Pick<ZmqSizeViolation, 'limit' | 'actual'>): ZmqException {
  return new ZmqException(
    'PAYLOAD_TOO_LARGE',
    `The payload has ${formatBytes(actual)}, more than the ${formatBytes(limit)} that its handler takes.`,
    { details: { limit, actual } },
  );
}

/** The refusal of a payload that is larger than any that the server takes. */
export function requestTooLarge({ limit, actual }: Pick<ZmqSizeViolation, 'limit' | 'actual'>): ZmqException {
  return new ZmqException(
    'PAYLOAD_TOO_LARGE',
    `The request has ${formatBytes(actual)}, more than the ${formatBytes(limit)} allowed.`,
    { details: { limit, actual } },
  );
}

/** Whether an error is news to whoever reads the log: it is no refusal, and no answer that was meant for the caller. */
function isUnexpected(error: unknown, isAnswered: boolean): boolean {
  if (error instanceof ZmqException && error.code === 'PAYLOAD_TOO_LARGE') {
    return false;
  }
  return !isAnswered || !(error instanceof ZmqException || error instanceof RpcException);
}
