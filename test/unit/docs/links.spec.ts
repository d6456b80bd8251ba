import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDocument } from '../../support/markdown.js';

const documents = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').filter(isMarkdown).map(inDocs)];

function isMarkdown(name: string): boolean {
  return name.endsWith('.md');
}

function inDocs(name: string): string {
  return join('docs', name);
}

/** The name that a heading has in an address, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

function anchorsOf(document: string): string[] {
  return Array.from(document.matchAll(/^#+ (.*)$/gm), ([, heading]) => anchorOf(heading!));
}

/** The file, and the heading in it, that a link leads to. */
function targetOf(link: string, name: string): { path: string; anchor: string | undefined } {
  const [path = '', anchor] = link.split('#');
  return { path: path === '' ? name : join(dirname(name), path), anchor };
}

describe.each(documents)('%s', name => {
  const links = Array.from(readDocument(name).matchAll(/\]\(([^)]+)\)/g), ([, link]) => link!);
  const targets = links.filter(link => !/^https?:/.test(link)).map(link => targetOf(link, name));

  it('links to files that exist', () => {
    expect(targets.map(({ path }) => path).filter(path => !existsSync(path))).toEqual([]);
  });

  it('links to headings that exist', () => {
    const anchored = targets.filter(({ anchor }) => anchor !== undefined);
    expect(anchored.filter(({ path, anchor }) => !anchorsOf(readDocument(path)).includes(anchor!))).toEqual([]);
  });
});
