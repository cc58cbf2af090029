/** Seeded histories of many accounts on one database, all three policies and every kind of entry among them. */
import fc from 'fast-check';
import { type Instant, laterOf } from '../../ledger/core/instant.ts';
import { openBooks } from './books.ts';
import { anyWishes, type Dated, requestOf, resolve } from './histories.ts';

export interface ManyHistories {
  readonly accounts: readonly { readonly accountId: bigint; readonly history: readonly Dated[] }[];
  /** The instant of the last command of all. */
  readonly end: Instant;
}

/** Posts `count` histories that are drawn from `seed`, each into the book of an account from `firstAccount` on. */
export async function postHistories(
  databaseUrl: string,
  { seed, count, firstAccount = 1n }: { seed: number; count: number; firstAccount?: bigint },
): Promise<ManyHistories> {
  const books = await openBooks(databaseUrl);
  try {
    const accounts = fc
      .sample(anyWishes, { seed, numRuns: count })
      .map((wishes, index) => ({ accountId: firstAccount + BigInt(index), history: resolve(wishes) }));
    for (const { accountId, history } of accounts)
      for (const { command, instant } of history) {
        books.now = instant;
        await books.poster.submit(accountId, requestOf(command));
      }
    const end = accounts.flatMap(({ history }) => history.map(({ instant }) => instant)).reduce(laterOf, 0n);
    return { accounts, end };
  } finally {
    await books.close();
  }
}
