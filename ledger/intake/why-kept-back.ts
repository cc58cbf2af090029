import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import type { IntakeContext } from './context.ts';
import type { Match } from './match-inclusion.ts';
import type { PaymentValue } from './value-payment.ts';

/** A book has to be read with all its lots: anybody could fill one with dust. */
export const LIVE_LOTS_MAX = 1_000;

/**
 * Why a payment stays in suspense although it is known whose it is; null for one that is credited. Operators decide
 * otherwise. What the answer rests on may change, so it is recorded and not asked for again.
 */
export async function whyKeptBack(
  context: IntakeContext,
  trx: Kysely<Tables>,
  match: Pick<Match, 'accountId' | 'matchedBy'>,
  value: Pick<PaymentValue, 'isSmallExtra'>,
  now: Instant,
): Promise<SuspenseReason | null> {
  if (match.matchedBy === 'operator') return null;
  if (value.isSmallExtra) return 'under_a_dollar';
  return (await hasRoomForLot(context, trx, match.accountId, now)) ? null : 'too_many_lots';
}

/**
 * Whether an account may have one more lot. A purchase that is being posted at this very moment counts twice: this keeps
 * books small, to the lot or so.
 */
export async function hasRoomForLot(
  context: IntakeContext,
  trx: Kysely<Tables>,
  accountId: bigint,
  now: Instant,
): Promise<boolean> {
  const bucket = bucketOfAccount(accountId, context.installation.bucketCount);
  const { rows: live } = await sql<{ lots: bigint }>`
    select count(*) as lots from lots
    where bucket = ${bucket} and account_id = ${accountId} and open and expires_at > ${instantText(now)}`.execute(
    trx,
  );
  const { rows: coming } = await sql<{ lots: bigint }>`
    select count(*) as lots from outbox where account_id = ${accountId} and action = 'purchase'`.execute(trx);
  return (live[0]?.lots ?? 0n) + (coming[0]?.lots ?? 0n) < LIVE_LOTS_MAX;
}
