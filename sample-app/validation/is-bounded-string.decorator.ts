import { ValidateBy } from 'class-validator';

interface BoundedStringOptions {
  /** The constraint's name in class-validator's errors. */
  readonly name: string;
  /** Longer strings are refused before `accepts` sees them. */
  readonly maxLength: number;
  readonly accepts: (text: string) => boolean;
  /** What the sender is told; `$property` stands for the name of the property. */
  readonly message: string;
}

/** A non-empty string whose length is known to be small before any pattern runs over it, so that no pattern can be slow. */
export function IsBoundedString({ name, maxLength, accepts, message }: BoundedStringOptions): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && value.length > 0 && value.length <= maxLength && accepts(value),
      defaultMessage: () => message,
    },
  });
}
