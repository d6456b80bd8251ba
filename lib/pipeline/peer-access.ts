import { AccessRules, listsOf, type AllowPeersRule } from '../security/access-rules.js';
import type { ZmqPeer } from './zmq.context.js';

const accessByRule = new WeakMap<object, PeerAccess>();

/**
 * Whether peers may call a handler. A peer is an object that is never changed, so that what was decided holds for as long
 * as it lives.
 */
export class PeerAccess {
  private readonly rules: AccessRules;
  private readonly verdicts = new WeakMap<ZmqPeer, boolean>();

  constructor(rule: AllowPeersRule) {
    this.rules = new AccessRules(rule);
  }

  allows(peer: ZmqPeer): boolean {
    return this.verdicts.get(peer) ?? this.decide(peer);
  }

  private decide(peer: ZmqPeer): boolean {
    const isAllowed = this.rules.allows(peer);
    this.verdicts.set(peer, isAllowed);
    return isAllowed;
  }
}

/** What keeps a rule, which is the same for the same object; `undefined` where it lets everybody in. */
export function accessOf(rule: AllowPeersRule | undefined): PeerAccess | undefined {
  if (rule === undefined || rule === 'anyone') {
    return undefined;
  }
  const access = accessByRule.get(rule) ?? new PeerAccess(rule);
  accessByRule.set(rule, access);
  return access;
}

/** Whether a rule lets nobody in, whoever it may be. */
export function isForNobody(rule: AllowPeersRule | undefined): boolean {
  return rule !== undefined && listsOf(rule).some(list => list.length === 0);
}
