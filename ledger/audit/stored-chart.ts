/** The chart of accounts as a database has it, which may not be trusted either. */
import type pg from 'pg';
import { assetOf, FIXED_ACCOUNTS, type FixedAccount, type LedgerAccount } from '../core/chart.ts';
import type { Problem } from './problem.ts';

const FIXED = Object.entries(FIXED_ACCOUNTS) as [FixedAccount, number][];

export class StoredChart {
  readonly #names: Map<number, LedgerAccount>;
  readonly #assets: ReadonlyMap<number, string>;
  /** Where the stored chart differs from this program's. */
  readonly problems: readonly Problem[];

  /** Takes this program's accounts as this program has them, and all others as they are stored. */
  constructor(rows: readonly { readonly code: number; readonly name: string }[]) {
    this.#names = new Map(rows.map(row => [row.code, row.name as LedgerAccount]));
    this.problems = FIXED.flatMap(([name, code]) => {
      const found = this.#names.get(code) ?? 'no account';
      const what = `the chart has something else at code ${code}`;
      return found === name ? [] : [{ book: null, entry: null, what, expected: name, found }];
    });
    for (const [name, code] of FIXED) this.#names.set(code, name);
    this.#assets = new Map([...this.#names].map(([code, name]) => [code, assetOf(name)]));
  }

  /** The account's name; null when no account has this code. */
  nameOf(code: number): LedgerAccount | null {
    return this.#names.get(code) ?? null;
  }

  /** The asset of the account; what has no account counts as an asset of its own, which cannot add up. */
  assetOf(code: number): string {
    return this.#assets.get(code) ?? `code ${code}`;
  }
}

/** The chart that is stored. */
export async function readStoredChart(client: pg.ClientBase | pg.Pool): Promise<StoredChart> {
  const { rows } = await client.query<{ code: number; name: string }>(
    'select code, name from ledger_accounts',
  );
  return new StoredChart(rows);
}
