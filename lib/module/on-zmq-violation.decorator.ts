import { invalid } from '../options/fields.js';
import type { ZmqViolation, ZmqViolationKind } from '../limits/violation.js';

export const VIOLATION_LISTENER = Symbol('nestjs-zeromq:violation-listener');

/**
 * Has a method of a provider or controller called with each {@link ZmqViolation} of the servers in its application, or with
 * those of some kinds: at most one a second of each kind and address, with the number of them.
 */
export function OnZmqViolation(
  ...kinds: readonly ZmqViolationKind[]
): <T extends (violation: ZmqViolation) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void {
  return (_target, key, descriptor) => {
    const method: unknown = descriptor?.value;
    if (typeof method !== 'function') {
      throw invalid(`@OnZmqViolation() stands on methods, and ${String(key)} is none.`);
    }
    Reflect.defineMetadata(VIOLATION_LISTENER, kinds, method);
  };
}
