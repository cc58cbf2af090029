/** What a benchmark finds: a ratio to something else that was measured in the same run on the same machine. */
export interface Figure {
  readonly figure: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: string;
  readonly yardstick: string;
  /** What is wanted, such as "≥ 5". */
  readonly reach: string;
  readonly holds: boolean;
  /** The lowest and the highest round. */
  readonly range: readonly [number, number];
  /** What was measured beside the ratio, for people. */
  readonly seen: string;
}

export interface Goal {
  readonly figure: string;
  readonly unit: string;
  readonly yardstick: string;
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** The figure of these rounds, of which there is at least one. */
export function figureOf(goal: Goal, rounds: readonly number[], seen: string): Figure {
  const sorted = [...rounds].sort((a, b) => a - b);
  const value = median(rounds);
  const { figure, unit, yardstick, atLeast, atMost } = goal;
  return {
    figure,
    value: rounded(value),
    unit,
    yardstick,
    reach: atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`,
    holds: atLeast === undefined ? value <= (atMost ?? 0) : value >= atLeast,
    range: [rounded(sorted[0] ?? 0), rounded(sorted.at(-1) ?? 0)],
    seen,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** To four digits: more are noise. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** The value that so many per cent of `values`, of which there is at least one, do not exceed: one of them. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
