/** Taking in what Stripe says of one payment. */
import { type Kysely, sql } from 'kysely';
import { type AlarmKind, clearAlarm, raiseAlarm } from '../alarms/alarm.ts';
import {
  type CardPaymentState,
  changeOfCardPayment,
  clawbackTargetMicrousd,
  isSameCardPayment,
  NO_CARD_PAYMENT,
} from '../core/card-payment.ts';
import type { Instant } from '../core/instant.ts';
import { deliver } from '../intake/deliver.ts';
import { findOrder, type OrderRow } from '../orders/find-order.ts';
import { bookSystemEntries, lockSystemBook } from '../posting/system-entries.ts';
import { bucketOf } from '../store/bucket.ts';
import { type CardPaymentRow, cardStateOf } from '../store/card-payment-row.ts';
import { instantText } from '../store/instant-text.ts';
import { runIn } from '../store/run-sql.ts';
import type { Tables } from '../store/tables.ts';
import { cardEntry } from './card-entry.ts';
import type { CardContext } from './context.ts';
import { type FetchedPayment, fetchPayment } from './fetch-payment.ts';

const RECEIPT_PREFIX = 'stripe:';

/** The identity of a card payment, whatever becomes of it. */
export function cardReceiptId(paymentIntentId: string): string {
  return `${RECEIPT_PREFIX}${paymentIntentId}`;
}

/** The payment at Stripe that a card payment's identity names. */
export function paymentIntentIdOf(cardReceiptId: string): string {
  return cardReceiptId.slice(RECEIPT_PREFIX.length);
}

/**
 * Asks Stripe for the payment as it is now, records it when anything has changed, and posts what follows from that.
 * Repeating it changes nothing. Payments of sessions that this system did not make are none of its business. Throws
 * when Stripe does not answer.
 */
export async function applyPayment(context: CardContext, paymentIntentId: string): Promise<void> {
  const receiptId = cardReceiptId(paymentIntentId);
  const changed = await context.db.transaction().execute(async trx => {
    // Held over the question to Stripe, so that of two answers the later one is applied later.
    await sql`select pg_advisory_xact_lock(hashtextextended(${receiptId}, 0))`.execute(trx);
    const payment = await fetchPayment(context.stripe, paymentIntentId);
    if (!payment?.state || payment.livemode !== (context.installation.mode === 'live')) return null;
    const owner = await ownerOf(context, trx, payment);
    if (!owner) return null;
    const found = { paymentIntentId, receiptId, payment, state: payment.state, owner };
    await record(context, trx, found, await context.now());
    return found;
  });
  if (!changed) return;
  await tellAlarms(context, changed);
  // Also where nothing is new: whoever recorded it may have died before this.
  await deliver(context, receiptId);
}

/** Whose a payment is. */
interface Owner {
  readonly orderId: string;
  readonly sessionId: string;
  readonly order: OrderRow;
  /** Why it cannot be the order's, or null. */
  readonly problem: CardPaymentRow['suspense_reason'];
}

interface Found {
  readonly paymentIntentId: string;
  readonly receiptId: string;
  readonly payment: FetchedPayment;
  readonly state: CardPaymentState;
  readonly owner: Owner;
}

/** The order that a session of ours was made for; null for a session of somebody else in the same Stripe account. */
async function ownerOf(
  context: CardContext,
  trx: Kysely<Tables>,
  payment: FetchedPayment,
): Promise<Owner | null> {
  const { bucketCount } = context.installation;
  for (const session of payment.sessions) {
    const orderId = session.client_reference_id;
    if (orderId === null) continue;
    const ours = await trx
      .selectFrom('order_checkouts')
      .select('attempt')
      .where('bucket', '=', bucketOf(orderId, bucketCount))
      .where('order_id', '=', orderId)
      .where('session_id', '=', session.id)
      .executeTakeFirst();
    if (!ours) continue;
    const order = await findOrder({ db: trx, bucketCount }, orderId);
    if (!order) throw new Error(`session ${session.id} is of order ${orderId}, which is not there`);
    return { orderId, sessionId: session.id, order, problem: problemOf(order, payment) };
  }
  return null;
}

function problemOf(order: OrderRow, { currencies, state }: FetchedPayment): Owner['problem'] {
  if (currencies.size !== 1 || !currencies.has('usd')) return 'currency';
  if (state?.status === 'paid' && state.paidMicrousd !== order.amount_microusd) return 'amount';
  return null;
}

/** Writes down what is new, with what follows from it; nothing where nothing is. */
async function record(context: CardContext, trx: Kysely<Tables>, found: Found, now: Instant): Promise<void> {
  const { receiptId, payment, owner } = found;
  const bucket = bucketOf(receiptId, context.installation.bucketCount);
  const book = await lockSystemBook(runIn(trx), bucket);
  const latest = await readLatestCardPayment(trx, bucket, receiptId);
  // Amounts in another currency are no dollars: they are recorded as nothing, and a person looks.
  const state =
    owner.problem === 'currency' ? { ...NO_CARD_PAYMENT, status: found.state.status } : found.state;
  const before = latest ? cardStateOf(latest) : NO_CARD_PAYMENT;
  if (latest && isSameCardPayment(before, state)) return;
  if (!latest)
    await trx
      .insertInto('receipts')
      .values({ bucket, receipt_id: receiptId, first_noticed_at: instantText(now) })
      .execute();
  const version = (latest?.version ?? 0) + 1;
  const accountId = owner.problem === null ? owner.order.account_id : null;
  await trx
    .insertInto('card_payments')
    .values({
      bucket,
      receipt_id: receiptId,
      version,
      payment_intent_id: found.paymentIntentId,
      charge_id: payment.chargeId,
      session_id: owner.sessionId,
      order_id: owner.orderId,
      account_id: accountId,
      suspense_reason: owner.problem,
      status: state.status,
      paid_at: textOf(state.paidAt),
      moved_at: textOf(state.movedAt),
      paid_microusd: state.paidMicrousd,
      fee_microusd: state.feeMicrousd,
      refunded_microusd: state.refundedMicrousd,
      withdrawn_microusd: state.withdrawnMicrousd,
      reinstated_microusd: state.reinstatedMicrousd,
      receipt_url: payment.receiptUrl,
      decided_at: instantText(now),
    })
    .execute();

  const { postings, purchaseMicrousd, clawbackMicrousd } = changeOfCardPayment(
    before,
    state,
    accountId !== null,
  );
  if (postings.length > 0)
    await bookSystemEntries(
      runIn(trx),
      context.codes,
      book,
      [cardEntry({ receiptId, version, orderId: owner.orderId }, state.movedAt ?? now, postings)],
      now,
    );
  if (accountId === null) return;
  const shared = {
    bucket,
    receipt_id: receiptId,
    version,
    account_id: accountId,
    decided_at: instantText(now),
  };
  const purchaseVersion = purchaseMicrousd > 0n ? version : await readPurchaseVersion(trx, bucket, receiptId);
  if (purchaseMicrousd > 0n)
    await trx
      .insertInto('outbox')
      .values({
        ...shared,
        action: 'purchase',
        amount_microusd: purchaseMicrousd,
        paid_at: textOf(state.paidAt),
        purchase_version: null,
        details: JSON.stringify({
          receipt: receiptId,
          version,
          order: owner.orderId,
          matched_by: 'checkout',
          policy: 'refill',
          charge: payment.chargeId,
        }),
      })
      .execute();
  if (clawbackMicrousd !== 0n)
    await trx
      .insertInto('outbox')
      .values({
        ...shared,
        action: clawbackMicrousd > 0n ? 'clawback' : 'restoration',
        amount_microusd: clawbackMicrousd > 0n ? clawbackMicrousd : -clawbackMicrousd,
        paid_at: null,
        purchase_version: purchaseVersion,
        details: JSON.stringify({
          receipt: receiptId,
          version,
          refunded_microusd: state.refundedMicrousd.toString(),
          withdrawn_microusd: state.withdrawnMicrousd.toString(),
          reinstated_microusd: state.reinstatedMicrousd.toString(),
        }),
      })
      .execute();
}

/** The newest version of a card payment, or null. */
export async function readLatestCardPayment(
  db: Kysely<Tables>,
  bucket: number,
  receiptId: string,
): Promise<CardPaymentRow | null> {
  const row = await db
    .selectFrom('card_payments')
    .selectAll()
    .where('bucket', '=', bucket)
    .where('receipt_id', '=', receiptId)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row ?? null;
}

/** The version at which the payment was bought: the first that was paid. */
async function readPurchaseVersion(
  db: Kysely<Tables>,
  bucket: number,
  receiptId: string,
): Promise<number | null> {
  const row = await db
    .selectFrom('card_payments')
    .select('version')
    .where('bucket', '=', bucket)
    .where('receipt_id', '=', receiptId)
    .where('paid_microusd', '>', 0n)
    .orderBy('version')
    .limit(1)
    .executeTakeFirst();
  return row?.version ?? null;
}

async function tellAlarms(context: CardContext, { receiptId, owner, payment, state }: Found): Promise<void> {
  const tell = (kind: AlarmKind, message: string | null) =>
    message === null
      ? clearAlarm(context, kind, receiptId)
      : raiseAlarm(context, { kind, subject: receiptId, message });
  const { refundedMicrousd, withdrawnMicrousd, reinstatedMicrousd } = state;
  const returned = refundedMicrousd + withdrawnMicrousd - reinstatedMicrousd;
  await tell(
    'card_payment_in_suspense',
    // Nothing of it is left to decide about once all of it went back.
    owner.problem === null || (state.paidMicrousd > 0n && returned === state.paidMicrousd)
      ? null
      : `Its ${owner.problem} does not fit order ${owner.orderId}.`,
  );
  await tell(
    'card_payment_overreturned',
    returned > clawbackTargetMicrousd(state)
      ? `Of ${state.paidMicrousd} micro-dollars paid, ${returned} went back.`
      : null,
  );
  await tell(
    'card_dispute_open',
    payment.openDisputeIds.length > 0 ? `Waiting for an answer: ${payment.openDisputeIds.join(', ')}.` : null,
  );
  await tell(
    'card_fraud_warning',
    payment.fraudWarningIds.length > 0 ? `Warnings: ${payment.fraudWarningIds.join(', ')}.` : null,
  );
}

function textOf(instant: Instant | null): string | null {
  return instant === null ? null : instantText(instant);
}
