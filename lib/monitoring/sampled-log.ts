import type { LoggerService } from '@nestjs/common';
import { systemClock, type Clock } from '../limits/clock.js';

const INTERVAL_MS = 10_000;
const MAX_LENGTH = 300;

/**
 * Warnings that a peer can provoke: of each kind the first is logged, then at most one in ten seconds with the number
 * left out in between, so that no peer can fill a log. Kinds are named by the code, never by a peer.
 */
export class SampledLog<Kind extends string> {
  private readonly kinds = new Map<Kind, { nextAt: number; leftOut: number }>();

  constructor(
    private readonly logger: Pick<LoggerService, 'warn'>,
    private readonly clock: Clock = systemClock,
  ) {}

  warn(kind: Kind, message: () => string): void {
    const now = this.clock.now();
    const state = this.kinds.get(kind) ?? { nextAt: 0, leftOut: 0 };
    this.kinds.set(kind, state);
    if (now < state.nextAt) {
      state.leftOut++;
      return;
    }
    const more = state.leftOut > 0 ? ` (${state.leftOut} more of this kind since the last line)` : '';
    state.nextAt = now + INTERVAL_MS;
    state.leftOut = 0;
    this.logger.warn(`${printable(message())}${more}`);
  }
}

/** Text that may hold what a peer sent: shortened, and without characters that could forge log lines. */
export function printable(text: string): string {
  // Those that end a line, steer a terminal, or change the direction in which a line is read.
  const safe = text.slice(0, MAX_LENGTH).replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, '�');
  return text.length > MAX_LENGTH ? `${safe}…` : safe;
}
