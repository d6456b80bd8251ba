import { readFileSync } from 'node:fs';

/** A table of a document: the cells of each row, without the formatting of code. */
export type Row = readonly string[];

export function readDocument(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
}

/** The part of a document between one `## heading` and the next. */
export function section(document: string, heading: string): string {
  const [, body] = document.split(`\n## ${heading}\n`);
  if (body === undefined) throw new Error(`There is no section "${heading}"`);
  return body.split('\n## ')[0] ?? '';
}

/** The rows of all tables in a text, without their headings. */
export function tableRows(text: string): Row[] {
  const lines = text.split('\n').filter(line => line.startsWith('|'));
  const isRule = (line = '') => /^\|[-|]+\|$/.test(line);
  return lines.filter((line, index) => !isRule(line) && !isRule(lines[index + 1])).map(cells);
}

/** The code blocks of a language. */
export function codeBlocks(document: string, language: string): string[] {
  return Array.from(
    document.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms')),
    ([, code]) => code ?? '',
  );
}

function cells(line: string): Row {
  return line
    .slice(1, -1)
    .split('|')
    .map(cell => cell.trim().replace(/^`(.*)`$/, '$1'));
}
