import { ruleDecorator, type ZmqPriority } from './handler-rules.js';
import { parseRules } from './parse-rules.js';

export interface ZmqHandlerConcurrencyOptions {
  /** Requests and events that wait for a place, 0 to 1,000,000; each holds its payload. @defaultValue 0 */
  readonly queue?: number;
}

/**
 * Bounds how many calls of a handler, or of each handler of a controller, run at the same time. Further ones wait in a queue
 * if there is one, at most until their deadline; what finds no room is refused with `OVERLOADED`. Needs `ZmqModule`.
 *
 * @param limit calls at a time, 1 to 1,000,000
 * @throws {@link ZmqException} `INVALID_OPTIONS`, when the class is defined
 */
export function Concurrency(
  limit: number,
  { queue = 0 }: ZmqHandlerConcurrencyOptions = {},
): MethodDecorator & ClassDecorator {
  return ruleDecorator(parseRules({ concurrency: { limit, queue } }, '@Concurrency()'));
}

/** Requests to a `critical` handler are taken even while the process sheds load. Needs `ZmqModule`. @see ZmqSheddingOptions */
export function Priority(priority: ZmqPriority): MethodDecorator & ClassDecorator {
  return ruleDecorator(parseRules({ priority }, '@Priority()', 'priority'));
}
