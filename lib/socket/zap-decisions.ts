import { systemClock, type Clock } from '../limits/clock.js';
import {
  isPassingFailure,
  type Authenticate,
  type AuthenticationFailure,
  type PeerOrigin,
  type Verdict,
} from '../security/verdict.js';
import type { ZapRequest, ZapStatus } from './zap-request.js';

/** Decisions that one listener waits for at a time. */
const MAX_PENDING = 256;

export interface ZapRules {
  readonly origin: Pick<PeerOrigin, 'listener' | 'mechanism'>;
  /** `undefined`: whoever gets that far is let in, as nothing but the server's key is asked of them. Never with PLAIN. */
  readonly authenticate: Authenticate | undefined;
  /** Milliseconds that a decision may take. */
  readonly deadline: number;
  readonly onRefused: (failure: AuthenticationFailure, address: string | undefined) => void;
  /** Nobody can be let in any more. */
  readonly onFailed: (error: Error) => void;
}

export interface ZapDecision {
  readonly status: ZapStatus;
  /** Name of the identity, `''` for none. */
  readonly userId: string;
}

/** Who is let in by one listener. What goes wrong on the way to a decision lets nobody in. */
export class ZapDecisions {
  /** What cancels the deadline of each decision that is waited for. */
  private readonly pending = new Set<() => void>();

  constructor(
    readonly rules: ZapRules,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Tells `decided` once, unless closed meanwhile: now, or when there is a verdict, or at the deadline. */
  decide(request: ZapRequest, decided: (decision: ZapDecision) => void): void {
    const conclude = (verdict: Verdict) => decided(this.conclude(verdict, request.address));
    const verdict = this.verdictOn(request);
    if (!(verdict instanceof Promise)) {
      conclude(verdict);
      return;
    }
    const cancel = this.clock.after(this.rules.deadline, () => settle(refused('failed')));
    const settle = (outcome: Verdict) => {
      if (this.pending.delete(cancel)) {
        cancel();
        conclude(outcome);
      }
    };
    this.pending.add(cancel);
    void verdict.then(settle, () => settle(refused('failed')));
  }

  /** Decides nothing any more; what is waited for is never told. */
  close(): void {
    for (const cancel of this.pending) {
      cancel();
    }
    this.pending.clear();
  }

  private verdictOn({ mechanism, address, username, password, publicKey }: ZapRequest): Verdict | Promise<Verdict> {
    const { origin, authenticate } = this.rules;
    if (mechanism !== origin.mechanism || (mechanism === 'PLAIN' && authenticate === undefined)) {
      return refused('unknown');
    }
    if (authenticate === undefined) {
      return { admitted: true, identity: undefined };
    }
    if (this.pending.size >= MAX_PENDING) {
      return refused('too-many');
    }
    const { listener } = origin;
    try {
      return authenticate({ mechanism, listener, address, certificate: undefined, username, password, publicKey });
    } catch {
      return refused('failed');
    }
  }

  private conclude(verdict: Verdict, address: string | undefined): ZapDecision {
    // What an application's own code gives need not be what its type says; what says nothing lets nobody in.
    const given = verdict as Verdict | undefined;
    if (given?.admitted === true) {
      return { status: 200, userId: given.identity?.name ?? '' };
    }
    const failure = given?.failure ?? 'failed';
    this.rules.onRefused(failure, address);
    // Who is refused for good gives up for good.
    return { status: isPassingFailure(failure) ? 300 : 400, userId: '' };
  }
}

function refused(failure: AuthenticationFailure): Verdict {
  return { admitted: false, failure };
}
