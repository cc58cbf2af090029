/** What the documents name is there. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';

const DOCS = ['README.md', 'CHANGELOG.md', 'ledger/README.md', ...globSync('docs/*.md')];
/** Folders whose files are named from the root or, within them, without their own name. */
const PATH = /`((?:\w[\w-]*\/)+[\w.*-]*)`/g;

/** The paths that a document names and that are nowhere: from the root, or from its own folder. */
function missingPaths(text: string, folder: string): string[] {
  return pathsIn(text).filter(path => !exists(path) && !exists(`${folder}/${path}`));
}

function pathsIn(text: string): string[] {
  return [...text.matchAll(PATH)].map(([, path = '']) => path);
}

function exists(pattern: string): boolean {
  return globSync(pattern).length > 0;
}

describe('every path that is named is there', () => {
  test.each(DOCS)('%s', async file => {
    expect(missingPaths(await readFile(file, 'utf8'), dirname(file))).toEqual([]);
  });

  test('or is found missing', () => {
    const text =
      'see `core/lot.ts`, `test/ledger/`, `docs/*.md`, `core/gone.ts`, `test/gone/` and `docs/*.gone`';
    expect(missingPaths(text, 'ledger')).toEqual(['core/gone.ts', 'test/gone/', 'docs/*.gone']);
  });
});

const NAMED = [
  ['every invariant of the ledger', 'ledger/README.md', '## Invariants, ', 8],
  ['every attack that wallets refuse', 'docs/wallets.md', '## Attacks, ', 6],
] as const;

test.each(NAMED)('%s names a test', async (_, file, title, rowsMin) => {
  const [, section = ''] = (await readFile(file, 'utf8')).split(title);
  const [, , ...rows] = (section.split('\n## ')[0] ?? '').split('\n').filter(line => line.startsWith('|'));
  expect(rows.length).toBeGreaterThan(rowsMin);
  for (const row of rows)
    expect(
      pathsIn(row).filter(path => /^test\/.+\.test\.ts$/.test(path)),
      row,
    ).not.toEqual([]);
});
