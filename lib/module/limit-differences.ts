/** A value that was changed, by the names that lead to it. */
export interface Difference {
  readonly limit: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What differs between two trees of limits, down to the values. */
export function differences(before: unknown, after: unknown, path = ''): readonly Difference[] {
  if (Object.is(before, after)) {
    return [];
  }
  if (isTree(before) && isTree(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap(name => differences(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  return isEqualList(before, after) ? [] : [{ limit: path, from: before, to: after }];
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists of limits are short, and one that says the same is no change. */
function isEqualList(before: unknown, after: unknown): boolean {
  return (
    Array.isArray(before) &&
    Array.isArray(after) &&
    before.length === after.length &&
    before.every((item, index) => differences(item, after[index]).length === 0)
  );
}
