/**
 * What the balance has beyond what is explained is money that arrived: it is booked into suspense, provisionally, until
 * what explains it appears. What is missing is not booked: it would set a loss off against what belongs to senders. The
 * books go on saying what should be there, and an alarm says what is not.
 */
import { type Kysely, type Selectable, sql } from 'kysely';
import { type AlarmKind, clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import { treasuryAccount } from '../core/chart.ts';
import type { Instant } from '../core/instant.ts';
import { receiptPostings, reversedPostings, type SystemEntry } from '../core/system-book.ts';
import { bookSystemEntries, lockSystemBook } from '../posting/system-entries.ts';
import { bucketOf } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { BalanceDifferenceTable, Tables } from '../store/tables.ts';
import { type BalanceDifference, readDifferences } from './balance-facts.ts';
import type { IntakeContext } from './context.ts';
import { ownEntry } from './own-entry.ts';

/** The differences that are recorded and not explained by now, in the order of the chain. */
export async function readStandingDifferences(db: Kysely<Tables>): Promise<BalanceDifference[]> {
  const { rows } = await sql<Selectable<BalanceDifferenceTable>>`
    select * from (
      select distinct on (bucket, difference_id) * from balance_differences
      order by bucket, difference_id, version desc) latest
    where amount_wei <> 0 order by through_block`.execute(db);
  return rows.map(row => ({
    fromBlock: row.from_block,
    throughBlock: row.through_block,
    throughAt: row.through_at,
    amountWei: row.amount_wei,
  }));
}

/**
 * Looks again at the differences that stand, by the facts as they are now: a receipt that turned up late explains its
 * block's. Asks no chain.
 */
export async function reviewDifferences(context: IntakeContext): Promise<void> {
  const standing = await readStandingDifferences(context.db);
  if (standing.length === 0) return;
  const throughBlocks = standing.map(({ throughBlock }) => throughBlock);
  const found = await readDifferences(context.db, context.installation.chainId, throughBlocks);
  await recordDifferences(context, standing, found);
}

/** Records that of the differences `standing` only `found` are left, or new; books and alarms follow. */
export async function recordDifferences(
  context: IntakeContext,
  standing: readonly BalanceDifference[],
  found: readonly BalanceDifference[],
): Promise<void> {
  const wanted = new Map(standing.map(old => [nameOf(context, old), { ...old, amountWei: 0n }]));
  for (const difference of found) wanted.set(nameOf(context, difference), difference);
  for (const difference of wanted.values()) await recordDifference(context, difference, await context.now());
  await tellOf(context, found);
}

async function recordDifference(
  context: IntakeContext,
  difference: BalanceDifference,
  now: Instant,
): Promise<void> {
  const { fromBlock, throughBlock, throughAt, amountWei } = difference;
  const name = nameOf(context, difference);
  const bucket = bucketOf(name, context.installation.bucketCount);
  await context.db.transaction().execute(async trx => {
    const book = await lockSystemBook(runIn(trx), bucket);
    const before = await trx
      .selectFrom('balance_differences')
      .select(['version', 'amount_wei'])
      .where('bucket', '=', bucket)
      .where('difference_id', '=', name)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (amountWei === (before?.amount_wei ?? 0n)) return;
    const version = (before?.version ?? 0) + 1;
    await trx
      .insertInto('balance_differences')
      .values({
        bucket,
        difference_id: name,
        version,
        from_block: fromBlock,
        through_block: throughBlock,
        through_at: instantText(throughAt),
        amount_wei: amountWei,
        decided_at: instantText(now),
      })
      .execute();
    const entries: SystemEntry[] = [];
    if (before && before.amount_wei > 0n)
      entries.push(
        entryOf(context, 'provisional_reversal', before.version, {
          ...difference,
          amountWei: before.amount_wei,
        }),
      );
    if (amountWei > 0n) entries.push(entryOf(context, 'provisional_receipt', version, difference));
    await bookSystemEntries(runIn(trx), context.codes, book, entries, now);
  });
}

function entryOf(
  context: IntakeContext,
  kind: 'provisional_receipt' | 'provisional_reversal',
  version: number,
  { fromBlock, throughBlock, throughAt, amountWei }: BalanceDifference,
): SystemEntry {
  const { chainId, paymentAddress } = context.installation;
  const name = nameOf(context, { fromBlock, throughBlock });
  const about = {
    fact: `${name}:${version}`,
    effectiveAt: throughAt,
    details: { after_block: String(fromBlock), through_block: String(throughBlock), version },
  };
  const arrival = receiptPostings(treasuryAccount(chainId, paymentAddress), amountWei);
  return ownEntry(kind, about, kind === 'provisional_receipt' ? arrival : reversedPostings(arrival));
}

/** So many block ranges are named in an alarm. */
const RANGES_TOLD_MAX = 5;

/** Raises an alarm of what is too much and one of what is missing, each with where, or ends it. */
async function tellOf(context: IntakeContext, found: readonly BalanceDifference[]): Promise<void> {
  const { paymentAddress } = context.installation;
  const tell = async (kind: AlarmKind, of: readonly BalanceDifference[], what: string) => {
    if (of.length === 0) return await clearAlarm(context, kind, paymentAddress);
    const wei = (amount: bigint) => `${amount < 0n ? -amount : amount} wei`;
    const total = of.reduce((sum, { amountWei }) => sum + amountWei, 0n);
    const places = of
      .slice(0, RANGES_TOLD_MAX)
      .map(({ fromBlock, throughBlock, amountWei }) =>
        throughBlock - fromBlock === 1n
          ? `${wei(amountWei)} in block ${throughBlock}`
          : `${wei(amountWei)} in blocks ${fromBlock + 1n} to ${throughBlock}`,
      );
    const more = of.length > RANGES_TOLD_MAX ? `; and ${of.length - RANGES_TOLD_MAX} more` : '';
    const message = `${wei(total)} ${what}: ${places.join('; ')}${more}.`;
    await raiseAlarm(context, { kind, subject: paymentAddress, message });
  };
  const surplus = found.filter(({ amountWei }) => amountWei > 0n);
  const missing = found.filter(({ amountWei }) => amountWei < 0n);
  await tell('balance_unexplained', surplus, 'arrived that no receipt explains');
  await tell('balance_short', missing, 'left that no withdrawal and no gas explain, or never arrived');
}

function nameOf(
  context: IntakeContext,
  { fromBlock, throughBlock }: Pick<BalanceDifference, 'fromBlock' | 'throughBlock'>,
): string {
  return `eth:${context.installation.chainId}:balance:${fromBlock}-${throughBlock}`;
}
