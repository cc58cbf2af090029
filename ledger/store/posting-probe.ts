import type pg from 'pg';
import type { AccountCodes } from './account-codes.ts';
import {
  type BookKey,
  createBooks,
  inLockOrder,
  loadClosedHolds,
  loadClosedLots,
  loadOpenHolds,
  loadOpenLots,
  lockBooks,
} from './books.ts';
import { findConsumedKeys } from './posted-entries.ts';
import { type RunSql, runOn } from './run-sql.ts';
import { loadSpends } from './spends.ts';
import { writeEntries } from './write-entries.ts';

/**
 * Sends the posting path's own statements, for two buckets as a batch may, and takes back what they did. Returns which
 * of them the database refuses and why, or null: a ledger that is distributed and cannot post would be worse than one
 * that is not distributed. `client` must be in a transaction.
 */
export async function whyNotPostable(client: pg.ClientBase, codes: AccountCodes): Promise<string | null> {
  let sent = '';
  const run: RunSql = async (statement, values) => {
    sent = statement.name;
    return await runOn(client)(statement, values);
  };
  const keys: BookKey[] = inLockOrder([
    { bucket: 0, accountId: 1n },
    { bucket: 1, accountId: 1n },
  ]);
  const named = keys.map(key => ({
    ...key,
    lotId: 1n,
    holdId: 1n,
    spendId: 1n,
    keyDigest: '0'.repeat(32),
  }));
  await client.query('savepoint before_posting');
  try {
    await createBooks(run, keys, new Uint8Array(32));
    await lockBooks(run, keys);
    await loadOpenLots(run, keys);
    await loadClosedLots(run, named);
    await loadOpenHolds(run, keys);
    await loadClosedHolds(run, named);
    await loadSpends(run, named);
    await findConsumedKeys(run, named);
    await writeEntries(run, codes, []);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return `This version cannot post to distributed tables: its statement ${sent} fails with "${message}".`;
  } finally {
    await client.query('rollback to savepoint before_posting');
  }
}
