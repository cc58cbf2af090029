import type { Problem } from './problem.ts';
import type { StoredChart } from './stored-chart.ts';

/** Debits less credits of each asset, over every posting there is, whatever else is wrong with it. */
export class AssetSums {
  readonly #chart: StoredChart;
  readonly #sums = new Map<string, bigint>();

  constructor(chart: StoredChart) {
    this.#chart = chart;
  }

  add(fromCode: number, toCode: number, amount: bigint): void {
    this.#move(this.#chart.assetOf(fromCode), -amount);
    this.#move(this.#chart.assetOf(toCode), amount);
  }

  /** The assets that do not add up to zero, by name. */
  problems(): Problem[] {
    return [...this.#sums]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([asset, sum]) => {
        const what = `the postings of ${asset} do not add up to zero`;
        return sum === 0n ? [] : [{ book: null, entry: null, what, expected: '0', found: String(sum) }];
      });
  }

  #move(asset: string, amount: bigint): void {
    this.#sums.set(asset, (this.#sums.get(asset) ?? 0n) + amount);
  }
}
