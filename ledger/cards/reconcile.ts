/** Nothing missed: what webhooks never delivered is found in Stripe's own lists. */
import { type Kysely, sql } from 'kysely';
import { DAY, HOUR, type Instant, MICROSECONDS_PER_SECOND } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { Tables } from '../store/tables.ts';
import { paymentIntentIdOf } from './apply-payment.ts';
import type { CardContext } from './context.ts';
import { leaveHint, paymentIntentOf } from './store-event.ts';

/** Lists may show something a little late: each time goes back this far beyond the last. */
const OVERLAP = HOUR;
/** Where the first time begins: the events of a month are all that Stripe keeps, and nobody pays before that. */
const FIRST_TIME = 30n * DAY;
const PROGRESS = 'all';

/**
 * Goes through Stripe's lists of what moved and of what may still move money since the last time, and leaves a hint for
 * each payment in them. Repeating it changes nothing. Throws when Stripe does not answer; the next time begins where
 * this one did.
 */
export async function reconcileLists(context: CardContext, now: Instant): Promise<void> {
  const { stripe, installation } = context;
  const progress = await context.db
    .selectFrom('stripe_progress')
    .select('through')
    .where('list', '=', PROGRESS)
    .executeTakeFirst();
  const since = (progress?.through ?? now - FIRST_TIME) - OVERLAP;
  const created = { created: { gte: Number(since / MICROSECONDS_PER_SECOND) }, limit: 100 };
  const lists: [string, AsyncIterable<object>][] = [
    // Every movement of money is here at the time at which it moved, whatever had begun when.
    [
      'balance_transactions',
      sourcesOf(stripe.balanceTransactions.list({ ...created, expand: ['data.source'] })),
    ],
    ['checkout_sessions', stripe.checkout.sessions.list(created)],
    ['refunds', stripe.refunds.list(created)],
    ['disputes', stripe.disputes.list(created)],
    ['early_fraud_warnings', stripe.radar.earlyFraudWarnings.list(created)],
  ];
  const hintContext = { db: context.db, bucketCount: installation.bucketCount };
  for (const [name, list] of lists) {
    for await (const object of list) {
      const paymentIntentId = paymentIntentOf(object);
      if (paymentIntentId !== null) await leaveHint(hintContext, paymentIntentId, `list:${name}`, now);
    }
  }
  for (const paymentIntentId of await readUnsettled(context.db))
    await leaveHint(hintContext, paymentIntentId, 'list:unsettled', now);
  const row = { list: PROGRESS, through: instantText(now) };
  await context.db
    .insertInto('stripe_progress')
    .values(row)
    .onConflict(conflict => conflict.column('list').doUpdateSet(row))
    .execute();
}

/**
 * Payments in which something may change that no list tells by its time: a debit under way may fail, a dispute may be
 * lost, a warning be settled.
 */
async function readUnsettled(db: Kysely<Tables>): Promise<string[]> {
  const { rows } = await sql<{ payment_intent_id: string }>`
    select p.payment_intent_id
    from card_payments p
    where p.status = 'processing' and not exists (select from card_payments later
      where later.bucket = p.bucket and later.receipt_id = p.receipt_id and later.version > p.version)`.execute(
    db,
  );
  const waiting = await db
    .selectFrom('alarms')
    .select('subject')
    .where('kind', 'in', ['card_dispute_open', 'card_fraud_warning'])
    .execute();
  return [
    ...rows.map(row => row.payment_intent_id),
    ...waiting.map(({ subject }) => paymentIntentIdOf(subject)),
  ];
}

async function* sourcesOf(
  transactions: AsyncIterable<{ readonly source: object | string | null }>,
): AsyncIterable<object> {
  for await (const { source } of transactions)
    if (typeof source === 'object' && source !== null) yield source;
}
