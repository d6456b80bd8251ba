import type { AttackOutcome, TargetPatterns } from './attack.js';
import type { Caps } from './hard-caps.js';
import type { TargetTls } from './target.js';

/** What the attacking process is asked to do. */
export interface AttackOrder {
  /** Ids in the catalogue; several run at the same time. */
  readonly attacks: readonly string[];
  readonly host: string;
  readonly port: number;
  readonly tls?: TargetTls | undefined;
  readonly socketType: string;
  readonly patterns: TargetPatterns;
  readonly milliseconds: number;
  /** Of each attack. */
  readonly caps: Caps;
}

export type ToAttacker = { readonly kind: 'attack'; readonly order: AttackOrder } | { readonly kind: 'stop' };

export type FromAttacker =
  { readonly kind: 'ready' } | { readonly kind: 'done'; readonly outcomes: readonly AttackOutcome[] };
