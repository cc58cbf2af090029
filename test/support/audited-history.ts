/** A ledger with everything in it that books can have, made by the very steps of the intake and the posting path. */
import { accountName } from '../../ledger/core/account-id.ts';
import { parseInstant } from '../../ledger/index.ts';
import { createOrder } from '../../ledger/orders/create-order.ts';
import type { OrderRow } from '../../ledger/orders/find-order.ts';
import { DEFAULT_BUCKET_COUNT } from '../../ledger/store/installation.ts';
import { openKysely } from '../../ledger/store/postgres.ts';
import { debitOf, openBooks } from './books.ts';
import { ANSWER, calldataOf, openIntake, roundOf } from './intake.ts';

/** $1 at `ANSWER`. */
const DOLLAR_WEI = 10n ** 18n / 2000n;

export interface AuditedHistory {
  /** Bought twice, spent, renewed, had a payment taken back that was spent, settled that debt, and expired. */
  readonly busy: bigint;
  /** Bought once and spent once. */
  readonly quiet: bigint;
}

/** Writes the history into an installed, empty database, and returns whose it is. */
export async function writeHistory(databaseUrl: string): Promise<AuditedHistory> {
  let now = parseInstant('2026-03-01T15:00:00Z');
  const books = await openBooks(databaseUrl);
  const intake = await openIntake(databaseUrl, () => now);
  const at = (instant: string) => {
    now = parseInstant(instant);
    books.now = now;
  };
  const db = openKysely(books.pool);
  const order = async (usd: bigint) => {
    const wanted = { amountMicrousd: usd * 1_000_000n, round: roundOf(ANSWER, now), now };
    return (await createOrder({ db, bucketCount: DEFAULT_BUCKET_COUNT, mode: 'dev' }, wanted)).order;
  };
  const pay = ({ reference }: OrderRow, usd: bigint) =>
    intake.pay({ calldata: calldataOf(reference), amountWei: usd * DOLLAR_WEI });
  const spend = async (account: bigint, credits: bigint, key: string) => {
    const outcome = await books.poster.submit(account, debitOf(credits, key));
    if (outcome.status !== 'accepted') throw new Error(`${accountName(account)} could not spend ${credits}`);
  };
  try {
    at('2026-03-01T15:00:00Z');
    const first = await order(10n);
    const busy = first.account_id;
    await pay(first, 10n);
    const second = await order(5n);
    const quiet = second.account_id;
    await pay(second, 5n);
    at('2026-03-01T20:00:00Z');
    await spend(busy, 30_000n, 'evening');
    await spend(quiet, 20_000n, 'once');
    at('2026-03-02T09:00:00.000001Z');
    const taken = await pay(first, 5n);
    await spend(busy, 145_000n, 'over both lots');
    at('2026-03-02T10:00:00Z');
    await intake.vanish(taken);
    at('2026-03-02T11:00:00Z');
    await pay(first, 20n);
    at('2026-03-03T12:00:00Z');
    await spend(busy, 1n, 'after the midnight');
    at('2026-05-01T00:00:00Z');
    await books.poster.submit(busy, { type: 'advance' });
    // Nobody's money: it stays in suspense.
    await intake.record({ calldata: '0x', amountWei: DOLLAR_WEI });
    return { busy, quiet };
  } finally {
    await Promise.all([books.close(), intake.close()]);
  }
}
