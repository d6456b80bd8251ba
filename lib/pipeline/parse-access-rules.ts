import { describe } from '../options/bytes.js';
import { cidrList } from '../options/cidr.js';
import { invalid, resolveFields, type Field } from '../options/fields.js';
import { isIdentityName, isRole } from '../options/identity-options.js';
import type { AccessRule, AllowPeersRule } from '../security/access-rules.js';

/** Rules of a list, and lists. */
const MAX_RULES = 1_000;
const MAX_ENTRIES = 10_000;

const RULE_FIELDS = {
  roles: listOf(isRole, "roles of 1 to 100 letters, digits, '_', '.', ':' or '-'"),
  identities: listOf(isIdentityName, 'names of 1 to 255 printable characters'),
  addresses: given(cidrList),
};

/**
 * Who may call a handler.
 *
 * @throws {@link ZmqException} `INVALID_OPTIONS` that names the option
 */
export const allowPeers: Field<AllowPeersRule> = (value, option) => {
  if (value === 'anyone') {
    return value;
  }
  if (typeof value !== 'object' || value === null) {
    throw invalid(`${option} must be 'anyone', a rule or a list of rules, but is ${describe(value)}.`);
  }
  if (!Array.isArray(value)) {
    return Object.freeze([accessRule(value, option)]);
  }
  return Array.isArray(value[0]) ? listsOfRules(value, option) : listOfRules(value, option);
};

function listsOfRules(value: readonly unknown[], option: string): readonly (readonly AccessRule[])[] {
  assertBounded(value, option);
  return Object.freeze(value.map((list, index) => listOfRules(list, `${option}[${index}]`)));
}

function listOfRules(value: unknown, option: string): readonly AccessRule[] {
  if (!Array.isArray(value)) {
    throw invalid(`${option} must be a list of rules like the first, but is ${describe(value)}.`);
  }
  assertBounded(value, option);
  return Object.freeze(value.map((rule, index) => accessRule(rule, `${option}[${index}]`)));
}

function assertBounded({ length }: readonly unknown[], option: string): void {
  if (length > MAX_RULES) {
    throw invalid(`${option} must have at most ${MAX_RULES} entries, but has ${length}.`);
  }
}

function accessRule(value: unknown, option: string): AccessRule {
  if (value === 'anyone') {
    throw invalid(`${option} must not be 'anyone': beside that no other rule matters.`);
  }
  const fields = Object.entries(resolveFields(value, RULE_FIELDS, option)).filter(([, list]) => list !== undefined);
  if (fields.length === 0) {
    throw invalid(`${option} must have at least one of ${Object.keys(RULE_FIELDS).join(', ')}.`);
  }
  return Object.freeze(Object.fromEntries(fields)) as AccessRule;
}

function listOf(fits: (entry: unknown) => entry is string, what: string): Field<readonly string[] | undefined> {
  return given((value, option) => {
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
    const wrong = entries.findIndex(entry => !fits(entry));
    if (wrong >= 0) {
      throw invalid(`${option} must be one or several ${what}, but has ${describe(entries[wrong])}.`);
    }
    return Object.freeze([...(entries as readonly string[])]);
  });
}

/** Leaves out what is not given. An empty list could be meant for nobody, and could be taken for everybody. */
function given(field: Field<readonly string[]>): Field<readonly string[] | undefined> {
  return (value, option) => {
    if (Array.isArray(value) && (value.length === 0 || value.length > MAX_ENTRIES)) {
      throw invalid(`${option} must have from 1 to ${MAX_ENTRIES} entries, but has ${value.length}.`);
    }
    return value === undefined ? undefined : field(value, option);
  };
}
