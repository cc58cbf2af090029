import { type Kysely, type Selectable, sql } from 'kysely';
import { type CardOrderPayment, type CardOrderState, cardOrderState } from '../core/card-order-state.ts';
import { cardStateOf } from '../store/card-payment-row.ts';
import type { CardPaymentTable, Tables } from '../store/tables.ts';
import type { OrderRow } from './find-order.ts';

/** A card payment of an order, with where the buyer finds Stripe's receipt. */
export interface CardPaymentStatus extends CardOrderPayment {
  readonly receiptId: string;
  readonly receiptUrl: string | null;
  /** The version whose purchase made its lot; null while there is none. */
  readonly purchaseVersion: number | null;
}

export interface CardOrderStatus extends CardOrderState {
  readonly method: 'card';
  readonly payments: readonly CardPaymentStatus[];
  /** True once the Secure Key can be claimed: some payment's credits are in the book. */
  readonly credited: boolean;
}

/** Where an order by card stands, from what is recorded of its payments. */
export async function readCardOrderStatus(db: Kysely<Tables>, order: OrderRow): Promise<CardOrderStatus> {
  const { rows } = await sql<
    Selectable<CardPaymentTable> & { waiting: boolean; purchase_version: number | null }
  >`
    select distinct on (p.receipt_id) p.*,
      (select min(first.version) from card_payments first where first.bucket = p.bucket
        and first.receipt_id = p.receipt_id and first.paid_microusd > 0) as purchase_version,
      exists (select from outbox o where o.bucket = p.bucket and o.receipt_id = p.receipt_id
        and o.action = 'purchase') as waiting
    from card_payments p
    where p.order_id = ${order.order_id}
    order by p.receipt_id, p.version desc`.execute(db);
  const payments = rows.map(row => ({
    receiptId: row.receipt_id,
    receiptUrl: row.receipt_url,
    ...cardStateOf(row),
    keptBack: row.account_id === null,
    credited: row.status === 'paid' && row.account_id !== null && !row.waiting,
    purchaseVersion: row.account_id === null ? null : row.purchase_version,
  }));
  return {
    method: 'card',
    ...cardOrderState(payments),
    payments,
    credited: payments.some(payment => payment.credited),
  };
}
