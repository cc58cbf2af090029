/**
 * Arrays as PostgreSQL reads them (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). The driver can write
 * them too, but looks at each element for what it is and what is to be escaped in it, which took a fifth of a batch's
 * time; here the column says it once.
 */

/** An array of elements: numbers, texts that need no quotes (instants, digests, names of kinds), and what is made below. */
export function arrayText(elements: readonly (string | bigint | number | boolean)[]): string {
  return `{${elements.join()}}`;
}

/** An element where there is nothing. */
export const NULL_ELEMENT = 'NULL';

/** Any text as an element. */
export function textElement(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Bytes as an element. */
export function bytesElement(bytes: Uint8Array): string {
  return `"\\\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}"`;
}
