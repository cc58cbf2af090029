/** What is recorded of the payment address's balance, and what moved it as far as that is recorded. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { BalanceCheckTable, BalanceProgressTable, Tables } from '../store/tables.ts';

type CheckRow = Selectable<BalanceCheckTable>;
export type BalanceCheck = Omit<CheckRow, 'version'>;
export type BalanceProgress = Omit<Selectable<BalanceProgressTable>, 'updated_at'>;

/** From one check to the next, by how much the balance changed beyond what is explained. */
export interface BalanceDifference {
  readonly fromBlock: bigint;
  readonly throughBlock: bigint;
  readonly throughAt: Instant;
  readonly amountWei: bigint;
}

/** Everything that moved the balance, by block: receipts that stand, less withdrawals and gas. */
const MOVEMENTS = sql`(
  select i.block_number, i.amount_wei from receipt_inclusions i
  where i.outcome = 'included' and not exists (select from receipt_inclusions later
    where later.bucket = i.bucket and later.receipt_id = i.receipt_id and later.version > i.version)
  union all select block_number, -amount_wei from withdrawals
  union all select block_number, -fee_wei from sent_transactions)`;

/** The latest version of each check, but for those that were abandoned. */
const standingChecks = (chainId: number) => sql`(
  select * from (
    select distinct on (block_number) * from balance_checks where chain_id = ${chainId}
    order by block_number, version desc) latest
  where outcome <> 'abandoned')`;

/** By how much the blocks after `afterBlock` up to `throughBlock` moved the balance, as far as it is recorded. */
export async function readMoved(
  db: Kysely<Tables>,
  afterBlock: bigint,
  throughBlock: bigint,
): Promise<bigint> {
  const { rows } = await sql<{ moved: bigint }>`
    select coalesce(sum(m.amount_wei), 0) as moved from ${MOVEMENTS} m
    where m.block_number > ${afterBlock} and m.block_number <= ${throughBlock}`.execute(db);
  return rows[0]?.moved ?? 0n;
}

/** The opening and the newest of the checks that stand; null before the first. */
export async function readEndChecks(
  db: Kysely<Tables>,
  chainId: number,
): Promise<{ opening: BalanceCheck; newest: BalanceCheck } | null> {
  const { rows } = await sql<CheckRow>`
    (select * from ${standingChecks(chainId)} s order by block_number limit 1)
    union all (select * from ${standingChecks(chainId)} s order by block_number desc limit 1)`.execute(db);
  const [opening, newest] = rows;
  return opening && newest ? { opening, newest } : null;
}

/** Records checks, all or none; one of a block that has a check takes its place. */
export async function recordChecks(db: Kysely<Tables>, checks: readonly BalanceCheck[]): Promise<void> {
  await db.transaction().execute(async trx => {
    for (const check of checks) {
      const { version } = await trx
        .selectFrom('balance_checks')
        .select(sql<number>`coalesce(max(version), 0) + 1`.as('version'))
        .where('chain_id', '=', check.chain_id)
        .where('block_number', '=', check.block_number)
        .executeTakeFirstOrThrow();
      const { block_at, decided_at, ...rest } = check;
      const times = { block_at: instantText(block_at), decided_at: instantText(decided_at) };
      await trx
        .insertInto('balance_checks')
        .values({ ...rest, ...times, version })
        .execute();
    }
  });
}

/**
 * Where the balance changed beyond what is explained, by the facts as they are now; in the order of the chain. Of the
 * checks at `throughBlocks` only, if given.
 */
export async function readDifferences(
  db: Kysely<Tables>,
  chainId: number,
  throughBlocks: readonly bigint[] | null = null,
): Promise<BalanceDifference[]> {
  const { rows } = await sql<{ from: bigint; through: bigint; at: Instant; amount: bigint }>`
    select r.from_block as from, r.block_number as through, r.block_at as at, r.change_wei - m.moved_wei as amount
    from (
      select block_number, block_at, lag(block_number) over (order by block_number) as from_block,
        balance_wei - lag(balance_wei) over (order by block_number) as change_wei
      from ${standingChecks(chainId)} s) r
    cross join lateral (
      select coalesce(sum(m.amount_wei), 0) as moved_wei from ${MOVEMENTS} m
      where m.block_number > r.from_block and m.block_number <= r.block_number) m
    where r.from_block is not null and r.change_wei <> m.moved_wei
      and (${throughBlocks === null} or r.block_number = any(${throughBlocks?.map(String) ?? []}::bigint[]))
    order by r.block_number`.execute(db);
  return rows.map(({ from, through, at, amount }) => ({
    fromBlock: from,
    throughBlock: through,
    throughAt: at,
    amountWei: amount,
  }));
}

/** The checks at both ends of each range with a difference, in the order of the chain. */
export async function readDifferingChecks(db: Kysely<Tables>, chainId: number): Promise<BalanceCheck[]> {
  const ends = (await readDifferences(db, chainId)).flatMap(({ fromBlock, throughBlock }) => [
    String(fromBlock),
    String(throughBlock),
  ]);
  if (ends.length === 0) return [];
  const { rows } = await sql<CheckRow>`
    select * from ${standingChecks(chainId)} s where block_number = any(${ends}::bigint[])
    order by block_number`.execute(db);
  return rows;
}

export async function readBalanceProgress(
  db: Kysely<Tables>,
  chainId: number,
): Promise<{ progress: BalanceProgress; updatedAt: Instant } | null> {
  const row = await db
    .selectFrom('balance_progress')
    .selectAll()
    .where('chain_id', '=', chainId)
    .executeTakeFirst();
  if (!row) return null;
  const { updated_at, ...progress } = row;
  return { progress, updatedAt: updated_at };
}

export async function writeBalanceProgress(
  db: Kysely<Tables>,
  progress: BalanceProgress,
  now: Instant,
): Promise<void> {
  const row = { ...progress, updated_at: instantText(now) };
  await db
    .insertInto('balance_progress')
    .values(row)
    .onConflict(conflict => conflict.column('chain_id').doUpdateSet(row))
    .execute();
}
