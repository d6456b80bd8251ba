import {
  VIOLATION_IDS,
  type ZmqViolation,
  type ZmqViolationAction,
  type ZmqViolationKind,
} from '../limits/violation.js';
import { POLICY_KINDS, type ResolvedGateOptions, type ZmqPolicyKind } from '../options/gate-options.js';
import type { Address } from './addresses.js';

/** Of each kind and address, one report a second says it all. */
const REPORT_INTERVAL_MS = 1_000;

export interface ViolationFields {
  readonly address: Address;
  readonly peerId?: string | undefined;
  readonly figures?: ZmqViolation['figures'];
  /** Whether the connection has gone, and cannot be left without an answer. @defaultValue false */
  readonly isGone?: boolean;
}

const WITH_POLICY: ReadonlySet<string> = new Set(POLICY_KINDS);

/** Decides what is done about violations, shuts out whoever commits many, and reports them. */
export class Violations {
  constructor(
    private readonly options: {
      readonly limits: () => ResolvedGateOptions;
      readonly now: () => number;
      readonly emit: (violation: ZmqViolation) => void;
    },
  ) {}

  /** What the user wants done about a violation that ends or skips what its sender is doing. */
  policyOf(kind: ZmqViolationKind): ZmqViolationAction {
    return WITH_POLICY.has(kind) ? this.options.limits().policies[kind as ZmqPolicyKind] : 'disconnect';
  }

  /** Books a violation for which nobody needs to be shut out. */
  note(kind: ZmqViolationKind, action: ZmqViolationAction, fields: ViolationFields): void {
    this.report(kind, action, fields);
  }

  /** Books a violation and returns what is to be done about it. */
  punish(kind: ZmqViolationKind, fields: ViolationFields): ZmqViolationAction {
    const { address } = fields;
    const { ban } = this.options.limits();
    const now = this.options.now();
    if (now >= address.windowEnd) {
      address.windowEnd = now + ban.window;
      address.violations = 0;
    }
    address.violations++;
    address.account.fail(now);
    const isHabit = ban.after > 0 && address.violations >= ban.after;
    const policy = isHabit ? 'ban' : this.policyOf(kind);
    const action = policy === 'tarpit' && fields.isGone === true ? 'disconnect' : policy;
    if (action === 'ban') {
      address.bannedUntil = now + ban.duration;
    }
    this.report(kind, action, fields);
    return action;
  }

  isBanned(address: Address): boolean {
    return address.bannedUntil > this.options.now();
  }

  private report(
    kind: ZmqViolationKind,
    action: ZmqViolationAction,
    { address, peerId, figures }: ViolationFields,
  ): void {
    const now = this.options.now();
    const state = address.reports.get(kind) ?? { nextAt: 0, count: 0 };
    address.reports.set(kind, state);
    state.count++;
    if (now < state.nextAt) {
      return;
    }
    const { count } = state;
    state.nextAt = now + REPORT_INTERVAL_MS;
    state.count = 0;
    const hex = peerId === undefined ? undefined : Buffer.from(peerId, 'latin1').toString('hex');
    this.options.emit({
      id: VIOLATION_IDS[kind],
      kind,
      address: address.key,
      peerId: hex,
      action,
      count,
      figures: figures ?? {},
    });
  }
}
