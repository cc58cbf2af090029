/** Setting what a key or grant may spend. What it has used by then is found in the journal. */
import { type Kysely, sql } from 'kysely';
import { GENESIS_HASH } from '../core/encoding.ts';
import { HOUR, type Instant, laterOf } from '../core/instant.ts';
import { type LimitPeriod, type LimitStanding, periodStartOf, standingOf } from '../core/spending-limit.ts';
import type { BookKey } from '../store/book-statement.ts';
import { createBooks, loadOpenHolds, lockBooks } from '../store/books.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import { limitOf } from '../store/spending-limits.ts';
import { lastEntry, lastEntryBefore, sumSpent } from '../store/spent.ts';
import type { Tables } from '../store/tables.ts';

/** What is asked for. */
export interface LimitTerms {
  /** More than 0. */
  readonly limitMicrocredits: bigint;
  readonly period: LimitPeriod;
}

/** A limit as its owner sees it. */
export interface LimitStatus extends LimitStanding {
  readonly period: LimitPeriod;
}

interface Place {
  readonly db: Kysely<Tables>;
  readonly bucketCount: number;
}

/** Whose limit. */
export interface Credential {
  readonly accountId: bigint;
  readonly keyNumber: number;
}

/** What a credential had used of a period by some entry. */
export interface CountedUse {
  readonly periodStart: Instant;
  readonly through: bigint;
  readonly usedMicrocredits: bigint;
}

/**
 * Counts what the credential has used of the period of `now` by the book's newest entry. To be asked before the book is
 * locked: for a long history it takes a while, and nobody should wait for it.
 */
export async function countUse(
  { db, bucketCount }: Place,
  { accountId, keyNumber }: Credential,
  period: LimitPeriod,
  now: Instant,
): Promise<CountedUse> {
  const book = { bucket: bucketOfAccount(accountId, bucketCount), accountId };
  const periodStart = periodStartOf(period, now);
  const through = await lastEntry(db, book);
  const after = await lastEntryBefore(db, book, periodStart);
  const counted = { after, through };
  const usedMicrocredits = await sumSpent(db, book, keyNumber, {
    spends: counted,
    reversalsOf: counted,
    // What comes later is counted once the book is locked.
    reversedBy: counted,
  });
  return { periodStart, through, usedMicrocredits };
}

/**
 * Sets the limit of a credential, in place of any that it has; null takes it away. In the transaction `db`, which holds
 * `lockAccountKeys`; from here on until it ends nobody spends from the account. What was used of the period counts.
 * @param counted By `countUse`, for the same period; null for a credential that is new.
 */
export async function putLimit(
  { db, bucketCount }: Place,
  { accountId, keyNumber }: Credential,
  terms: LimitTerms | null,
  counted: CountedUse | null,
  now: Instant,
): Promise<void> {
  const key = { bucket: bucketOfAccount(accountId, bucketCount), accountId };
  const run = runIn(db);
  await createBooks(run, [key], GENESIS_HASH);
  const [book] = await lockBooks(run, [key]);
  if (!book) throw new Error('a book that was made is not there');
  await dropEndedLimits(db, key, now);
  await db
    .deleteFrom('spending_limits')
    .where('bucket', '=', key.bucket)
    .where('account_id', '=', accountId)
    .where('key_number', '=', keyNumber)
    .execute();
  if (terms) {
    const periodStart = periodStartOf(terms.period, laterOf(now, book.bookedAt));
    const used = counted ? await useUpTo(db, { ...key, keyNumber, periodStart }, counted, book.seq) : 0n;
    await db
      .insertInto('spending_limits')
      .values({
        bucket: key.bucket,
        account_id: accountId,
        key_number: keyNumber,
        limit_microcredits: terms.limitMicrocredits,
        period: terms.period,
        period_start: instantText(periodStart),
        used_microcredits: used,
      })
      .execute();
  }
  await noteLimits(db, key);
}

/**
 * Limits are loaded with every debit: those of keys and grants that have ended are not to pile up. They stay for an hour,
 * though, much longer than any command is under way: one that was authenticated just before the end is still limited.
 */
async function dropEndedLimits(
  db: Kysely<Tables>,
  { bucket, accountId }: BookKey,
  now: Instant,
): Promise<void> {
  const longAgo = sql<Instant>`${instantText(now - HOUR)}`;
  const limited = await db
    .selectFrom('spending_limits')
    .select('key_number')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .execute();
  if (limited.length === 0) return;
  const numbers = limited.map(row => row.key_number);
  const grants = await db
    .selectFrom('grants')
    .select('key_number')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .where('key_number', 'in', numbers)
    .where(eb => eb.or([eb('expires_at', '<=', longAgo), eb('revoked_at', '<=', longAgo)]))
    .execute();
  // All secrets of a key are revoked together.
  const keys = await db
    .selectFrom('secure_keys')
    .select('key_number')
    .distinct()
    .where('account_id', '=', accountId)
    .where('key_number', 'in', numbers)
    .where('revoked_at', '<=', longAgo)
    .execute();
  const ended = [...grants, ...keys].map(row => row.key_number);
  if (ended.length === 0) return;
  await db
    .deleteFrom('spending_limits')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .where('key_number', 'in', ended)
    .execute();
}

/** Whether the book, which is locked, has any limit is noted with it. */
async function noteLimits(db: Kysely<Tables>, { bucket, accountId }: BookKey): Promise<void> {
  const left = await db
    .selectFrom('spending_limits')
    .select('key_number')
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .limit(1)
    .executeTakeFirst();
  await db
    .updateTable('books')
    .set({ has_limits: left !== undefined })
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .execute();
}

/** What was used by the entry `through`: what was counted before, and what has come since. */
async function useUpTo(
  db: Kysely<Tables>,
  of: {
    readonly bucket: number;
    readonly accountId: bigint;
    readonly keyNumber: number;
    readonly periodStart: Instant;
  },
  counted: CountedUse,
  through: bigint,
): Promise<bigint> {
  const periodAfter = await lastEntryBefore(db, of, of.periodStart);
  const isSame = counted.periodStart === of.periodStart;
  const after = isSame ? counted.through : periodAfter;
  const since = await sumSpent(db, of, of.keyNumber, {
    spends: { after, through },
    reversalsOf: { after: periodAfter, through },
    reversedBy: { after, through },
  });
  return isSame ? counted.usedMicrocredits + since : since;
}

/** Where the limits of an account stand at `now`, by the number of key or grant. */
export async function readLimits(
  { db, bucketCount }: Place,
  accountId: bigint,
  now: Instant,
): Promise<Map<number, LimitStatus>> {
  const bucket = bucketOfAccount(accountId, bucketCount);
  const rows = await db
    .selectFrom('spending_limits')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('account_id', '=', accountId)
    .execute();
  if (rows.length === 0) return new Map();
  const holds = await loadOpenHolds(runIn(db), [{ bucket, accountId }]);
  // A hold past its deadline is over, whether or not that was posted.
  const open = holds.map(({ value }) => value).filter(({ deadline }) => deadline > now);
  return new Map(
    rows.map(row => [row.key_number, { period: row.period, ...standingOf(limitOf(row), open, now) }]),
  );
}
