import type { ValidationError } from '@nestjs/common';
import { pathOf, shortText, type Place } from './data-path.js';

const MAX_MESSAGE_LENGTH = 200;
/** Of one field; a schema may have any number of issues with it. */
const MAX_MESSAGES = 10;

/** One wrong field of the data. Never holds the value. */
export interface ZmqFieldError {
  /** Where it is: `a.b[0].c`. Empty for the data as a whole. At most 200 characters. */
  readonly path: string;
  /** What it breaks, by class-validator's names: `isInt`, `whitelistValidation`; or `schema`, `maxStringLength`, `maxProperties`, `maxDepth`, `forbiddenKey`. */
  readonly rules: readonly string[];
  /** For people, each at most 200 characters. */
  readonly messages: readonly string[];
}

export interface FieldErrors {
  readonly fields: readonly ZmqFieldError[];
  /** Errors in fields beyond those. */
  readonly omitted: number;
}

/** What Standard Schema says of one part of a value that does not fit. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export interface FieldErrorsScope {
  /** Where the value that was validated lies in the data. */
  readonly root: Place | undefined;
  readonly maxErrors: number;
}

/** The wrong fields in the order of the rules. The sender decides how many errors there are: text is made of the first alone. */
export function fieldsOfErrors(errors: readonly ValidationError[], { root, maxErrors }: FieldErrorsScope): FieldErrors {
  const fields: ZmqFieldError[] = [];
  let omitted = 0;
  // Not recursive: a custom validator may make errors as deep as it likes.
  const waiting = errors.map(error => ({ error, parent: root })).toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { constraints } = next.error;
    const children = next.error.children ?? [];
    const place = placeOf(next.error, next.parent);
    if (constraints !== undefined && fields.length < maxErrors) {
      fields.push(fieldError(place, constraints));
    } else if (constraints !== undefined) {
      omitted++;
    }
    for (const error of children.toReversed()) {
      waiting.push({ error, parent: place });
    }
  }
  return { fields, omitted };
}

/** The same for the issues of a schema. Those of one field come together. */
export function fieldsOfIssues(issues: readonly SchemaIssue[], { root, maxErrors }: FieldErrorsScope): FieldErrors {
  const messagesByPath = new Map<string, string[]>();
  let omitted = 0;
  for (const { message, path = [] } of issues) {
    const field = pathOf(placeBelow(path, root));
    if (!messagesByPath.has(field) && messagesByPath.size === maxErrors) {
      omitted++;
      continue;
    }
    const messages = messagesByPath.get(field) ?? [];
    messagesByPath.set(field, messages);
    if (messages.length < MAX_MESSAGES) {
      messages.push(shortText(String(message), MAX_MESSAGE_LENGTH));
    }
  }
  const fields = Array.from(messagesByPath, ([path, messages]) => ({ path, rules: ['schema'], messages }));
  return { fields, omitted };
}

/** class-validator leaves the property out where the error is about the whole object. */
function placeOf({ property }: ValidationError, parent: Place | undefined): Place | undefined {
  return (property as string | undefined) === undefined ? parent : { key: property, parent };
}

function placeBelow(path: NonNullable<SchemaIssue['path']>, root: Place | undefined): Place | undefined {
  return path.reduce<Place | undefined>(
    (parent, segment) => ({ key: typeof segment === 'object' ? segment.key : segment, parent }),
    root,
  );
}

function fieldError(place: Place | undefined, constraints: Readonly<Record<string, unknown>>): ZmqFieldError {
  // Messages are missing where the default ones are switched off.
  const messages = Object.values(constraints).filter(message => typeof message === 'string' && message !== '');
  return {
    path: pathOf(place),
    rules: Object.keys(constraints),
    messages: messages.map(message => shortText(String(message), MAX_MESSAGE_LENGTH)),
  };
}
