/** What a person must look at. Raised where it is noticed, seen in the log, in the metrics and by operators. */
import type { Kysely } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';

/** Every kind of alarm there is, with what to do about it. */
export const ALARM_KINDS = {
  payment_without_row:
    'The chain has a payment that the indexer does not show: look at the indexer and its RPC.',
  balance_unexplained:
    'It is booked into suspense until its receipts appear: look into the blocks, and use an RPC with traces.',
  balance_short:
    'The books say more than the payment address holds: look into the blocks before anything else is paid out.',
  balance_unchecked:
    'The balance is not compared with the books: use an RPC that keeps the state of final blocks, as archive nodes do.',
  rpc_without_traces:
    'Payments by contract wallets, batches and bridges are not seen: use an RPC with debug_traceBlockByNumber.',
  chain_behind:
    'The chain has halted, or its RPC or our clock is wrong: compare the newest block with another source.',
  price_pending:
    'A payment has waited a day for its price: look at the feed and the RPC, or record a price with a reason by POST /v1/operator/receipts/{id}/price.',
  sender_blocked:
    'A sender on your list BLOCKED_SENDERS_FILE has paid: nobody can claim it. Keep it, or assign it with a reason.',
  payment_unconfirmed:
    'A payment waits for a further RPC to confirm it: see why those in BASE_RPC_URLS_OTHER do not.',
  row_not_on_chain:
    'The indexer shows what the chain does not have: doubt its RPC, and let it start over by dropping its schemas.',
  rpc_disagreement:
    'Two RPCs tell different things of one payment: nothing is credited or taken back until they agree. Find out which one is wrong and replace it.',
  rpc_outvoted:
    'An RPC says of a payment what two others deny: the payment stays as those have it. Find out why and replace it.',
  rpc_chain_split:
    'Two RPCs have different chains in blocks that both call safe: find out which one is wrong and replace it.',
  rpc_unavailable:
    'An RPC does not answer, or answers nothing that can be used: replace it or wait. RPC 1 is BASE_RPC_URL.',
  indexer_behind:
    'Payments are not seen: look at the log of the indexer, which starts Ponder again when it is stuck.',
  deep_reorg:
    'The chain has changed deeper than the indexer can follow: it starts over by itself. Compare receipts and balance when it is done.',
  card_payment_in_suspense:
    'A card payment does not fit its order: compare it with Stripe, then refund it there.',
  card_payment_stuck:
    'What Stripe says of a payment cannot be booked: compare the payment in the dashboard of Stripe with the books.',
  card_payment_overreturned:
    'More went back to the payer than was paid, as by a refund and a dispute: settle it with the payer or with Stripe.',
  card_dispute_open: 'A buyer disputes a payment: answer in the dashboard of Stripe before it is due.',
  card_fraud_warning:
    'The card issuer suspects fraud: consider to refund the payment in the dashboard of Stripe before it is disputed.',
} as const satisfies Record<string, string>;

export type AlarmKind = keyof typeof ALARM_KINDS;

export interface Alarm {
  readonly kind: AlarmKind;
  /** What it is about, such as a receipt's id: one alarm of a kind for each. */
  readonly subject: string;
  /** What was noticed, in a sentence. No secrets. */
  readonly message: string;
}

export interface RaisedAlarm extends Alarm {
  readonly raisedAt: Instant;
}

export interface AlarmContext {
  readonly db: Kysely<Tables>;
  /** The ledger's clock. */
  readonly now: () => Promise<Instant>;
  /** One readable line. */
  readonly log: (line: string) => void;
}

/**
 * Raises an alarm until it is cleared. Raising it again keeps when it began and takes over the new message; the log has
 * it once for each message.
 */
export async function raiseAlarm(context: AlarmContext, alarm: Alarm): Promise<void> {
  const { kind, subject, message } = alarm;
  const raisedAt = instantText(await context.now());
  const { numInsertedOrUpdatedRows } = await context.db
    .insertInto('alarms')
    .values({ kind, subject, message, raised_at: raisedAt })
    .onConflict(conflict =>
      conflict.columns(['kind', 'subject']).doUpdateSet({ message }).where('alarms.message', '<>', message),
    )
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows !== 0n)
    context.log(`ALARM ${kind} ${subject}: ${message} ${ALARM_KINDS[kind]}`);
}

/** Ends an alarm whose cause is gone, or all of a kind. Nothing happens where there is none. */
export async function clearAlarm(context: AlarmContext, kind: AlarmKind, subject?: string): Promise<void> {
  const cleared = await context.db
    .deleteFrom('alarms')
    .where('kind', '=', kind)
    .$if(subject !== undefined, query => query.where('subject', '=', subject ?? ''))
    .returning('subject')
    .execute();
  for (const row of cleared) context.log(`alarm over: ${kind} ${row.subject}`);
}

/** The alarms that stand, the oldest first. */
export async function readAlarms(db: Kysely<Tables>): Promise<RaisedAlarm[]> {
  const rows = await db
    .selectFrom('alarms')
    .selectAll()
    .orderBy('raised_at')
    .orderBy('kind')
    .orderBy('subject')
    .execute();
  return rows.map(({ kind, raised_at, ...row }) => ({
    kind: kind as AlarmKind,
    ...row,
    raisedAt: raised_at,
  }));
}
