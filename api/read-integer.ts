/** A whole number out of the environment, written as one writes numbers; `preset` where nothing is said. */
export function readInteger(
  name: string,
  value: string | undefined,
  preset: number,
  { min, max }: { readonly min: number; readonly max: number },
  problems: string[],
): number {
  if (value === undefined) return preset;
  const number = /^(?:0|[1-9]\d{0,15})$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  problems.push(`${name} is "${value}": set it to a whole number from ${min} to ${max}.`);
  return preset;
}
