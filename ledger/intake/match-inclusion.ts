/** Whose a payment is, as far as the payment itself and what is recorded tell. */
import type { Kysely } from 'kysely';
import { raiseAlarm } from '../alarms/alarm.ts';
import { judgeFrame } from '../core/frame.ts';
import type { Instant } from '../core/instant.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import { findOrderToPay } from '../orders/order-to-pay.ts';
import type { Tables } from '../store/tables.ts';
import { writeAssignment } from './assignment-facts.ts';
import { carryOverAssignment } from './carry-over-assignment.ts';
import type { RecordingContext } from './context.ts';
import { matchByLinkedWallet } from './match-by-linked-wallet.ts';
import { matchByReference } from './match-by-reference.ts';
import { matchByUniqueAmount } from './match-by-unique-amount.ts';
import type { Included } from './receipt-facts.ts';
import { writeSuspenseReason } from './suspense-facts.ts';

/** Whose an inclusion is, and how that is known. */
export interface Match {
  readonly accountId: bigint;
  /** The order it pays; null when it names none: then the account's open order is looked for. */
  readonly orderId: string | null;
  readonly matchedBy: 'reference' | 'linked_wallet' | 'unique_amount' | 'claim' | 'operator';
  readonly reason: string | null;
  /** The name of the operator who decided. */
  readonly operator?: string | null;
}

/** Not known by this matcher, which says why: operators see it where no other one knows either. */
export interface NoMatch {
  readonly noMatch: SuspenseReason;
}

type Matcher = (
  context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
  now: Instant,
) => Promise<Match | NoMatch | null>;

/** The first that knows decides. What a person decided goes before everything but the buyer's own reference. */
const MATCHERS: readonly Matcher[] = [
  matchByReference,
  carryOverAssignment,
  matchByLinkedWallet,
  matchByUniqueAmount,
];

/**
 * Assigns `standing`, a new inclusion, in the transaction `trx`, which holds the lock of its system book. Where no
 * matcher knows whose it is, it stays in suspense, with the first reason that was given. What a blocked sender pays stays
 * there whatever it says, and raises an alarm, unless an operator has assigned it before.
 */
export async function matchInclusion(
  context: RecordingContext,
  trx: Kysely<Tables>,
  standing: Included,
  now: Instant,
): Promise<void> {
  const obstacle = context.senders.obstacleOf(standing.fromAddress);
  const isBlocked = obstacle?.kind === 'blocked';
  let why: SuspenseReason | null = isBlocked ? 'sender_blocked' : null;
  for (const matcher of MATCHERS) {
    const found = await matcher(context, trx, standing, now);
    if (found === null) continue;
    if ('noMatch' in found) {
      why ??= found.noMatch;
      continue;
    }
    if (isBlocked && found.matchedBy !== 'operator') continue;
    const orderId = found.orderId ?? (await orderOf(context, trx, found.accountId, standing));
    await writeAssignment(trx, standing, { ...found, orderId }, { number: 1, now });
    return;
  }
  const isPayment = judgeFrame({ ...standing, direction: 'in' }) === 'payment';
  why ??= isPayment ? 'no_match' : 'not_a_payment';
  await writeSuspenseReason(trx, standing, { assignmentNumber: 0, reason: why }, now);
  if (isBlocked)
    await raiseAlarm(
      { ...context, db: trx, now: async () => now },
      {
        kind: 'sender_blocked',
        subject: standing.receiptId,
        message: `${standing.fromAddress} (${obstacle.name}) has paid ${standing.amountWei} wei, which are frozen.`,
      },
    );
}

async function orderOf(
  context: RecordingContext,
  trx: Kysely<Tables>,
  accountId: bigint,
  standing: Included,
): Promise<string | null> {
  const { bucketCount } = context.installation;
  return await findOrderToPay({ db: trx, bucketCount }, accountId, standing.blockAt);
}
