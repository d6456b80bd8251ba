import type { Bytes } from '../options/bytes.js';
import { parseRules } from './parse-rules.js';
import { ruleDecorator, type ZmqSizeViolationPolicy } from './handler-rules.js';

export interface ZmqMaxMessageSizeOptions {
  /** @defaultValue that of the controller, else that of the module, else 'reject' */
  readonly onViolation?: ZmqSizeViolationPolicy;
}

/**
 * Bytes of the payload that a handler, or each handler of a controller, takes. A larger payload is refused before it is
 * decoded, with `PAYLOAD_TOO_LARGE`, unless `onViolation` says otherwise. Needs `ZmqModule`.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, when the class is defined
 */
export function MaxMessageSize(
  size: Bytes,
  { onViolation }: ZmqMaxMessageSizeOptions = {},
): MethodDecorator & ClassDecorator {
  return ruleDecorator(parseRules({ maxMessageSize: size, onViolation }, '@MaxMessageSize()', 'maxMessageSize'));
}

/**
 * Bytes of one answer of a handler, or of each handler of a controller; of each value of a stream. A larger one becomes the
 * error `RESPONSE_TOO_LARGE`. Needs `ZmqModule`.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS`, when the class is defined
 */
export function MaxResponseSize(size: Bytes): MethodDecorator & ClassDecorator {
  return ruleDecorator(parseRules({ maxResponseSize: size }, '@MaxResponseSize()', 'maxResponseSize'));
}
