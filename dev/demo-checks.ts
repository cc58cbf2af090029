/** Prints a step of the story. */
export function told(line: string): void {
  console.log(`\n${line}`);
}

/** Prints a figure, and throws when it is not the one the design asks for. */
export function check(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what} is ${String(actual)} and should be ${String(expected)}`);
  console.log(`  ✓ ${what}: ${String(actual)}`);
}
