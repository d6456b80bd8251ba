import type { Observable } from 'rxjs';
import type { ZmqException } from '../errors/zmq.exception.js';
import type { HandlerRules } from '../pipeline/handler-rules.js';
import type { ZmqAuthenticator } from '../options/authenticator.js';
import type { ZmqContext } from '../pipeline/zmq.context.js';
import type { SharedRates } from './route-rates.js';

/** What an application gives to the servers that run in it. */
export interface ServerApplication {
  /** What decorators say about each handler of a pattern: several may listen to one event. */
  rulesOf(pattern: string): readonly HandlerRules[];
  /** What holds for all handlers unless they say otherwise. */
  readonly defaults: HandlerRules;
  /** What was configured for single handlers, by pattern: it goes before decorators. */
  readonly overrides?: ReadonlyMap<string, HandlerRules>;
  /** Whether whoever asks for a pattern without a handler is told no more than whoever may not call one that has some. */
  readonly denyByDefault: boolean;
  /** Says who peers are, if the application has something of the kind. */
  readonly authenticator?: ZmqAuthenticator | undefined;
  /** Whether a guard looks after the rates of a pattern, so that the server has to leave them alone. */
  isGuarded(pattern: string): boolean;
  /** Whether rates are counted at all. */
  readonly countsRates: boolean;
  /** Senders that each limit counts at a time. */
  readonly maxRateKeys: number;
  readonly sharedRates: SharedRates | undefined;
  /**
   * Lets the application decide about a payload that is too large, which `context.violation` tells of. What it returns is
   * the answer; `refusal` is the one that the server gives by itself. `undefined` if the application leaves it to the server.
   */
  readonly violated: ((context: ZmqContext, refusal: ZmqException) => Promise<Observable<unknown>>) | undefined;
}
