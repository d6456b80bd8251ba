import { AddressList } from './address-list.js';

/** Of a caller everything must hold that a rule has. */
export interface AccessRule {
  /** One of these roles. */
  readonly roles?: readonly string[];
  /** One of these names. */
  readonly identities?: readonly string[];
  /** An address in one of these networks, as `address/prefix`. */
  readonly addresses?: readonly string[];
}

/**
 * Who is let in: anyone; or whoever fits one rule of a list, nobody if it is empty; or whoever does so in each of several
 * lists, as where an event has several handlers.
 */
export type AllowPeersRule = 'anyone' | readonly AccessRule[] | readonly (readonly AccessRule[])[];

/** What access is decided by. */
export interface Caller {
  /** Proven name. */
  readonly identity?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  /** Exact network address without port. */
  readonly remoteAddress?: string | undefined;
}

/** Decides who is let in. What is not known of a caller fits no rule that asks for it. */
export class AccessRules {
  private readonly lists: readonly (readonly CompiledRule[])[];

  constructor(rule: AllowPeersRule) {
    this.lists = listsOf(rule).map(list => list.map(compile));
  }

  allows(caller: Caller): boolean {
    return this.lists.every(list => list.some(rule => fits(rule, caller)));
  }
}

/** The lists that each have to let a caller in; none for anyone. */
export function listsOf(rule: AllowPeersRule): readonly (readonly AccessRule[])[] {
  if (rule === 'anyone') {
    return [];
  }
  return isNested(rule) ? rule : [rule];
}

function isNested(rule: Exclude<AllowPeersRule, 'anyone'>): rule is readonly (readonly AccessRule[])[] {
  return Array.isArray(rule[0]);
}

interface CompiledRule {
  readonly roles: ReadonlySet<string> | undefined;
  readonly identities: ReadonlySet<string> | undefined;
  readonly addresses: AddressList | undefined;
}

function compile({ roles, identities, addresses }: AccessRule): CompiledRule {
  return {
    roles: roles && new Set(roles),
    identities: identities && new Set(identities),
    addresses: addresses && new AddressList(addresses),
  };
}

function fits({ roles, identities, addresses }: CompiledRule, caller: Caller): boolean {
  const { identity, roles: held = [], remoteAddress } = caller;
  return (
    (identities === undefined || (identity !== undefined && identities.has(identity))) &&
    (roles === undefined || held.some(role => roles.has(role))) &&
    // Last, as it costs most.
    (addresses === undefined || (remoteAddress !== undefined && addresses.includes(remoteAddress)))
  );
}
