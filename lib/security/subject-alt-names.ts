/** Names of Node's kinds that differ from ours. Only kinds that Node itself writes are known; others stay as they are. */
const KINDS: Readonly<Record<string, string>> = { 'IP Address': 'IP', email: 'EMAIL' };

/**
 * Takes Node's text of a certificate's subject alternative names apart: `DNS:a.example, IP Address:10.0.0.1` becomes
 * `['DNS:a.example', 'IP:10.0.0.1']`. Node writes a value that could be mistaken for several names, or anything else in
 * quotes, as a JSON string (since the fix of CVE-2021-44532), with a longer kind inside of it (`othername:"UPN:…"`).
 *
 * @returns no name at all where the text is not exactly of that form, rather than guesses
 */
export function subjectAltNames(text: string): readonly string[] {
  const names: string[] = [];
  // A value without quotes has neither commas nor quotes.
  const one = /([A-Za-z][A-Za-z0-9 ]*):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, (?!$)|$)/y;
  while (one.lastIndex < text.length) {
    const [, kind = '', quoted, plain = ''] = one.exec(text) ?? [];
    const value = quoted === undefined ? plain : unquoted(quoted);
    if (kind === '' || value === undefined) {
      return [];
    }
    names.push(`${Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind}:${value}`);
  }
  return names;
}

function unquoted(text: string): string | undefined {
  try {
    return JSON.parse(text) as string;
  } catch {
    return undefined;
  }
}
