import type { CliIo } from '../cli-io.js';

/** `json`: one object a line; `text`: one sentence a line; `live`: the same, above a line with the present status. */
export type LogForm = 'json' | 'text' | 'live';

export interface LogEntry {
  readonly event: string;
  /** For programs. */
  readonly fields: object;
  /** For people. */
  readonly text: string;
}

/** Up one line, and clear it. */
const OVER_LAST_LINE = '\x1b[1A\x1b[2K';
/** A status line that wraps could not be written over. */
const LIVE_WIDTH = 79;

/** What the program says. Kinds of entries that peers can provoke are sampled, so that nobody can fill a log. */
export class GateLog {
  private readonly sampled = new Map<string, { nextAt: number; leftOut: number }>();
  private liveLine: string | undefined = undefined;

  constructor(
    private readonly io: Pick<CliIo, 'out'>,
    private readonly form: LogForm,
    private readonly now: () => number = () => performance.now(),
  ) {}

  say({ event, fields, text }: LogEntry): void {
    const time = new Date().toISOString();
    if (this.form === 'json') {
      this.io.out(JSON.stringify({ time, event, ...fields }));
      return;
    }
    const above = this.liveLine === undefined ? '' : OVER_LAST_LINE;
    const below = this.liveLine === undefined ? '' : `\n${this.liveLine}`;
    this.io.out(`${above}${time} ${text}${below}`);
  }

  /**
   * Says the first entry of a kind, then at most one every `interval` ms, with the number left out in between. Kinds are
   * named by the program, never by a peer.
   */
  sample(kind: string, interval: number, entry: () => LogEntry): void {
    const now = this.now();
    const state = this.sampled.get(kind) ?? { nextAt: -Infinity, leftOut: 0 };
    this.sampled.set(kind, state);
    if (now < state.nextAt) {
      state.leftOut++;
      return;
    }
    const { leftOut } = state;
    state.nextAt = now + interval;
    state.leftOut = 0;
    const { event, fields, text } = entry();
    const more = leftOut > 0 ? ` (${leftOut} more of this kind since the last line)` : '';
    this.say({ event, fields: leftOut > 0 ? { ...fields, leftOut } : fields, text: `${text}${more}` });
  }

  /** Writes the status over the last one. */
  live(status: string): void {
    const line = status.length > LIVE_WIDTH ? `${status.slice(0, LIVE_WIDTH - 1)}…` : status;
    this.io.out(`${this.liveLine === undefined ? '' : OVER_LAST_LINE}${line}`);
    this.liveLine = line;
  }

  /** Leaves the last status where it is. */
  endLive(): void {
    this.liveLine = undefined;
  }
}
