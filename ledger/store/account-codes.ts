import type { Kysely } from 'kysely';
import { FIXED_ACCOUNTS, type LedgerAccount } from '../core/chart.ts';
import type { Tables } from './tables.ts';

/** Translates between the names of the chart of accounts and the codes that postings are stored with. */
export class AccountCodes {
  readonly #codes: ReadonlyMap<string, number>;
  readonly #names: ReadonlyMap<number, LedgerAccount>;

  private constructor(rows: readonly { code: number; name: string }[]) {
    this.#codes = new Map(rows.map(row => [row.name, row.code]));
    this.#names = new Map(rows.map(row => [row.code, row.name as LedgerAccount]));
  }

  /** Reads the chart. Throws when the database's differs from this program's. */
  static async load(db: Kysely<Tables>): Promise<AccountCodes> {
    return AccountCodes.of(await db.selectFrom('ledger_accounts').selectAll().execute());
  }

  /** The chart of these rows. Throws when it differs from this program's. */
  static of(rows: readonly { code: number; name: string }[]): AccountCodes {
    const codes = new AccountCodes(rows);
    for (const [name, code] of Object.entries(FIXED_ACCOUNTS)) {
      if (codes.#codes.get(name) !== code)
        throw new Error(`ledger account ${name} has another code in the database than in this program`);
    }
    return codes;
  }

  codeOf(account: LedgerAccount): number {
    const code = this.#codes.get(account);
    if (code === undefined) throw new Error(`no ledger account ${account} in this installation`);
    return code;
  }

  nameOf(code: number): LedgerAccount {
    const name = this.#names.get(code);
    if (name === undefined) throw new Error(`no ledger account with code ${code} in this installation`);
    return name;
  }
}
