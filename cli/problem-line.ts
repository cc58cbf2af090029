import type { Problem } from '../ledger/index.ts';

/** A problem as a line: where, what, and what was expected and found. */
export function problemLine({ book, entry, what, expected, found }: Problem): string {
  const where = `${book ?? 'ledger'}${entry === null ? '' : ` entry ${entry}`}`;
  return `${where}: ${what}: expected ${expected}, found ${found}`;
}
