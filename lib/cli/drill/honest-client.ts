import { setTimeout as sleep } from 'node:timers/promises';
import { resolveFields } from '../../options/fields.js';
import { SOCKET_FIELDS } from '../../options/socket-options.js';
import type { ClientSocket } from '../../socket/client-socket.js';
import { DealerSocket } from '../../socket/dealer-socket.js';
import { GateClientSocket } from '../../gate/gate-client-socket.js';
import { HonestPhase, type PhaseFigures } from './honest-phase.js';
import { jsonText } from './raw-bytes.js';
import { endpointOf, type Target } from './target.js';
import { clientTlsOf } from './target-tls.js';

export interface HonestLoad {
  /** Requests a second that are offered. */
  readonly rate: number;
  /** Characters of each request's data. */
  readonly bytes: number;
  /** Requests under way at most; while there are so many, none is offered. */
  readonly inFlight: number;
}

export interface HonestClientOptions {
  readonly target: Target;
  /** Of a handler that answers with what it was given. */
  readonly pattern: string;
  readonly load: HonestLoad;
}

const TICK_MS = 5;
const ANSWER_MS = 5_000;
const RECONNECT_MS = 100;
const MAX_REPLY_BYTES = 16 * 1024 ** 2;
const SOCKET = resolveFields({ linger: 0 }, SOCKET_FIELDS, 'socket');

interface Asked {
  readonly at: number;
  readonly data: string;
  readonly phase: HonestPhase;
}

/**
 * A well-behaved client: numbered echo requests in JSON mode at a steady pace, with every answer checked. It is one of
 * libzmq, independent of this library's own engine, except for TLS, which libzmq does not have.
 */
export class HonestClient {
  private readonly asked = new Map<string, Asked>();
  private readonly ticker: NodeJS.Timeout;
  private phase = new HonestPhase(performance.now());
  private socket: ClientSocket;
  private sending: Promise<unknown> = Promise.resolve();
  private paceFrom: number | undefined;
  private offered = 0;
  private nextId = 1;
  private closed = false;

  constructor(private readonly options: HonestClientOptions) {
    this.socket = this.connect();
    this.ticker = setInterval(() => this.tick(), TICK_MS);
  }

  /** Whether one request gets its right answer. */
  async probe(): Promise<boolean> {
    const phase = this.turnTo();
    this.ask();
    await this.settle();
    const { answered } = phase.figures(performance.now());
    return answered === 1;
  }

  /** Begins to send, and to count anew. */
  begin(): void {
    this.turnTo();
    this.paceFrom = performance.now();
    this.offered = 0;
  }

  /** Stops sending, waits for what is under way, and tells what came of it. */
  async end(): Promise<PhaseFigures> {
    const { phase } = this;
    this.paceFrom = undefined;
    phase.end(performance.now());
    await this.settle();
    return phase.figures(performance.now());
  }

  close(): void {
    this.closed = true;
    clearInterval(this.ticker);
    this.socket.close(0);
  }

  private turnTo(): HonestPhase {
    this.phase = new HonestPhase(performance.now());
    return this.phase;
  }

  private async settle(): Promise<void> {
    while (this.asked.size > 0 && !this.closed) {
      await sleep(TICK_MS);
    }
  }

  private tick(): void {
    const now = performance.now();
    for (const [id, { at, phase }] of this.asked) {
      if (now - at < ANSWER_MS) {
        break;
      }
      this.asked.delete(id);
      phase.count('lost');
    }
    if (this.paceFrom === undefined) {
      return;
    }
    const { rate, inFlight } = this.options.load;
    const due = Math.floor(((now - this.paceFrom) * rate) / 1_000);
    while (this.offered < due && this.asked.size < inFlight) {
      this.offered += 1;
      this.ask();
    }
    // What could not be asked in its time is not made up for later.
    this.offered = due;
  }

  private ask(): void {
    const { pattern, load } = this.options;
    const id = String(this.nextId++);
    const data = id.padEnd(load.bytes, '.');
    this.asked.set(id, { at: performance.now(), data, phase: this.phase });
    const { socket } = this;
    const text = jsonText({ id, pattern, data });
    this.sending = this.sending.then(() => socket.send([Buffer.from(text)])).catch(() => undefined);
  }

  private answered(text: string): void {
    const reply = parse(text);
    const asked = this.asked.get(String(reply['id']));
    if (asked === undefined) {
      return;
    }
    this.asked.delete(String(reply['id']));
    if (reply['err'] !== undefined) {
      asked.phase.count('refused');
    } else if (reply['response'] !== asked.data) {
      asked.phase.count('wrong');
    } else {
      asked.phase.answer(performance.now() - asked.at);
    }
  }

  private connect(): ClientSocket {
    const { target } = this.options;
    const options = { endpoint: endpointOf(target), maxMessageSize: MAX_REPLY_BYTES, socket: SOCKET };
    const socket =
      target.tls === undefined
        ? new DealerSocket(options)
        : new GateClientSocket({ ...options, tls: clientTlsOf(target.tls) });
    socket.open({
      message: ([frame]) => this.answered(String(frame)),
      lost: () => void this.evicted(socket),
    });
    return socket;
  }

  private async evicted(socket: ClientSocket): Promise<void> {
    if (this.closed) {
      return;
    }
    this.phase.count('evictions');
    for (const { phase } of this.asked.values()) {
      phase.count('lost');
    }
    this.asked.clear();
    socket.close(0);
    await sleep(RECONNECT_MS);
    if (!this.closed) {
      this.socket = this.connect();
    }
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
