const TypedArray = Object.getPrototypeOf(Uint8Array) as { readonly prototype: object };

/** Built-in types a parameter may be declared with that Nest's pipe would take for DTO classes. */
const BUILT_IN: ReadonlySet<unknown> = new Set([ArrayBuffer, BigInt, DataView, Function, Map, Promise, Set, Symbol]);

/**
 * Whether the type of a parameter can be a DTO class. Enums may stand there as plain objects, and, with compilers that do
 * not know types, a decorator that has the name of one.
 */
export function isDtoClass(type: unknown): boolean {
  return (
    typeof type === 'function' &&
    typeof type.prototype === 'object' &&
    !BUILT_IN.has(type) &&
    !Object.prototype.isPrototypeOf.call(TypedArray.prototype, type.prototype as object)
  );
}

/** Whether a value can become an instance of a DTO class: an object with properties of its own, not a list, a date or bytes. */
export function isRecord(value: unknown): value is object {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof ArrayBuffer) &&
    !(value instanceof Date)
  );
}
