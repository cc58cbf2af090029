/** JSON as every command prints it with --json: numbers that may be beyond 2^53 are text. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part), 2);
}
