/** Where a page ended, as a caller hands it back: for nobody to read. */
import { Problem } from './problem.ts';

export function cursorText(...parts: readonly (string | number | bigint)[]): string {
  return Buffer.from(parts.join(' ')).toString('base64url');
}

/** The parts that `pattern` has; null for the first page. Throws a Problem for anything that `cursorText` has not made. */
export function readCursor(text: string | undefined, pattern: RegExp): string[] | null {
  if (text === undefined) return null;
  const match = pattern.exec(Buffer.from(text, 'base64url').toString('latin1'));
  if (match) return match.slice(1);
  throw new Problem('invalid_field', '"before" must be the "next" of the page before.', { field: 'before' });
}
