/** Debits through the posting path, as many at a time as the API may have in flight, and how many a second. */
import { openPool } from '../ledger/index.ts';
import { Poster, type PosterOptions, postingConnections } from '../ledger/posting/poster.ts';
import { AccountCodes } from '../ledger/store/account-codes.ts';
import { BUCKETS, debit } from './bulk-load.ts';

export const IN_FLIGHT = 256;

export interface Debits {
  /** Carries out a debit that nobody asked for before, durably. Rejects when it is not accepted. */
  spend(accountId: bigint): Promise<void>;
  /** How many were asked for. */
  readonly count: number;
  close(): Promise<void>;
}

/** Opens the posting path to the ledger of `databaseUrl`, as the API does. */
export async function openDebits(databaseUrl: string): Promise<Debits> {
  const distribution: Pick<PosterOptions, 'isDistributed'> = { isDistributed: false };
  const pool = openPool({
    databaseUrl,
    role: 'credits_api',
    max: postingConnections(distribution),
    pipeline: true,
  });
  const chart = await pool.query<{ code: number; name: string }>('select code, name from ledger_accounts');
  const poster = new Poster(pool, {
    codes: AccountCodes.of(chart.rows),
    bucketCount: BUCKETS,
    ...distribution,
  });
  let count = 0;
  return {
    async spend(accountId) {
      count += 1;
      const command = debit(`bench-${count}`) as Parameters<Poster['submit']>[1];
      const outcome = await poster.submit(accountId, command);
      if (outcome.status !== 'accepted') throw new Error(`a debit was not accepted: ${outcome.status}`);
    },
    get count() {
      return count;
    },
    async close() {
      await poster.idle();
      await pool.end();
    },
  };
}

/** How many a second are done of `work`, `IN_FLIGHT` at a time. */
export async function perSecond(work: () => Promise<void>, seconds: number): Promise<number> {
  const begun = performance.now();
  const ends = begun + seconds * 1000;
  let done = 0;
  const worker = async () => {
    while (performance.now() < ends) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return (done * 1000) / (performance.now() - begun);
}
