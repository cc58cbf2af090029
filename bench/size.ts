/** Sizes that the environment may make smaller, to try a measurement out. */
const changed: string[] = [];

/**
 * How many `name` says: `BENCH_<NAME>` of the environment, `full` when that is not set. What is measured at another
 * than the full size is shown, but is no result.
 */
export function sizeOf(name: string, full: number): number {
  const variable = `BENCH_${name}`;
  const given = process.env[variable];
  if (given === undefined || given === '') return full;
  if (!/^[1-9]\d{0,8}$/.test(given))
    throw new Error(`${variable} is "${given}": set a whole number above 0.`);
  const size = Number(given);
  if (size !== full) changed.push(`${variable}=${size}`);
  return size;
}

/** The sizes that are not the full ones, such as `BENCH_LOTS=60000`. */
export function changedSizes(): readonly string[] {
  return changed;
}
