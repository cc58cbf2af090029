/** Whose a payment is, as far as the payment itself and what is recorded tell. */
import type { Kysely } from 'kysely';
import { raiseAlarm } from '../alarms/alarm.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { carryOverAssignment } from './carry-over-assignment.ts';
import type { IntakeContext } from './context.ts';
import { matchByLinkedWallet } from './match-by-linked-wallet.ts';
import { matchByReference } from './match-by-reference.ts';
import type { Included } from './receipt-facts.ts';

/** Whose an inclusion is, and how that is known. */
export interface Match {
  readonly accountId: bigint;
  /** The order it pays; null when it names none. */
  readonly orderId: string | null;
  readonly matchedBy: 'reference' | 'linked_wallet' | 'unique_amount' | 'claim' | 'operator';
  readonly reason: string | null;
}

type Matcher = (
  context: IntakeContext,
  trx: Kysely<Tables>,
  standing: Included,
  now: Instant,
) => Promise<Match | null>;

/** The first that knows decides. What a person decided goes before everything but the buyer's own reference. */
const MATCHERS: readonly Matcher[] = [matchByReference, carryOverAssignment, matchByLinkedWallet];

/**
 * Assigns `standing`, a new inclusion, in the transaction `trx`, which holds the lock of its system book. Where no
 * matcher knows whose it is, it stays in suspense. What a blocked sender pays stays there whatever it says, and raises an
 * alarm, unless an operator has assigned it before.
 */
export async function matchInclusion(
  context: IntakeContext,
  trx: Kysely<Tables>,
  standing: Included,
  now: Instant,
): Promise<void> {
  const obstacle = context.senders.obstacleOf(standing.fromAddress);
  const isBlocked = obstacle?.kind === 'blocked';
  for (const matcher of isBlocked ? [carryOverAssignment] : MATCHERS) {
    const match = await matcher(context, trx, standing, now);
    if (match === null || (isBlocked && match.matchedBy !== 'operator')) continue;
    await trx
      .insertInto('assignments')
      .values({
        bucket: standing.bucket,
        receipt_id: standing.receiptId,
        version: standing.version,
        account_id: match.accountId,
        order_id: match.orderId,
        matched_by: match.matchedBy,
        reason: match.reason,
        decided_at: instantText(now),
      })
      .execute();
    return;
  }
  if (isBlocked)
    await raiseAlarm(
      { ...context, db: trx },
      {
        kind: 'sender_blocked',
        subject: standing.receiptId,
        message: `${standing.fromAddress} (${obstacle.name}) has paid ${standing.amountWei} wei, which are frozen.`,
      },
    );
}
