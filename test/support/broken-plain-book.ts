/** The plain book with one of its rules told wrongly. */
import { readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import type { PlainBook } from './plain-book.ts';

/**
 * The class `PlainBook` of a source in which `told` says `broken` instead. Throws unless it is told exactly once, so that
 * no rule is broken that nobody follows any more.
 */
export async function brokenPlainBook(told: string, broken: string): Promise<typeof PlainBook> {
  const source = await readFile(new URL('./plain-book.ts', import.meta.url), 'utf8');
  const times = source.split(told).length - 1;
  if (times !== 1) throw new Error(`the plain book says ${times} times: ${told}`);
  const code = stripTypeScriptTypes(source.replace(told, () => broken));
  // It imports nothing but types, so that it can be loaded from anywhere.
  const loaded = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  return loaded.PlainBook;
}
