/** What counts for an order: payments that the chain has and that are not kept back. */
import { type Kysely, sql } from 'kysely';
import type { Tables } from '../store/tables.ts';

/** A place in the chain: payments are in the order of these. */
export interface ChainPosition {
  readonly blockNumber: bigint;
  readonly transactionIndex: number;
  readonly traceIndex: number;
}

/**
 * Assignments that hold, of inclusions that stand, each with where the chain has it. The worth is that of the assignment
 * where it has one of its own, otherwise that of the price record; null without a price.
 */
const STANDING_PAYMENTS = sql`
  select a.receipt_id, a.order_id, i.block_number, i.transaction_index, i.trace_index, i.amount_wei,
    coalesce(a.quoted_wei, p.quoted_wei) as quoted_wei
  from assignments a
  join receipt_inclusions i on i.bucket = a.bucket and i.receipt_id = a.receipt_id and i.version = a.version
  left join price_records p on p.bucket = a.bucket and p.receipt_id = a.receipt_id and p.version = a.version
  where not exists (select from receipt_inclusions later
      where later.bucket = a.bucket and later.receipt_id = a.receipt_id and later.version > a.version)
    and not exists (select from assignments later where later.bucket = a.bucket
      and later.receipt_id = a.receipt_id and later.version = a.version and later.number > a.number)
    and not exists (select from suspense_reasons s where s.bucket = a.bucket
      and s.receipt_id = a.receipt_id and s.version = a.version and s.assignment_number = a.number)`;

export interface OrderUse {
  /** How much of the order's quote is used. */
  readonly quotedWei: bigint;
  /** What was paid before the position. */
  readonly paidBeforeWei: bigint;
  /** Whether a payment before the position has no price yet. */
  readonly hasUnpricedBefore: boolean;
}

/** What payments other than `receiptId`, which is at `position`, have made of an order. */
export async function readOrderUse(
  db: Kysely<Tables>,
  orderId: string,
  { receiptId, position }: { readonly receiptId: string; readonly position: ChainPosition },
): Promise<OrderUse> {
  const { blockNumber, transactionIndex, traceIndex } = position;
  const { rows } = await sql<OrderUse>`
    select coalesce(sum(payment.quoted_wei), 0) as "quotedWei",
      coalesce(sum(payment.amount_wei) filter (where is_before), 0) as "paidBeforeWei",
      coalesce(bool_or(payment.quoted_wei is null) filter (where is_before), false) as "hasUnpricedBefore"
    from (${STANDING_PAYMENTS}) as payment
    cross join lateral (select (payment.block_number, payment.transaction_index, payment.trace_index)
      < (${blockNumber}, ${transactionIndex}, ${traceIndex}) as is_before) as place
    where payment.order_id = ${orderId} and payment.receipt_id <> ${receiptId}`.execute(db);
  if (!rows[0]) throw new Error('a sum has no row');
  return rows[0];
}

/** Whether a payment of exactly `amountWei` other than `receiptId` stands for the order. */
export async function hasPaymentOf(
  db: Kysely<Tables>,
  orderId: string,
  { receiptId, amountWei }: { readonly receiptId: string; readonly amountWei: bigint },
): Promise<boolean> {
  const { rows } = await sql`
    select payment.receipt_id from (${STANDING_PAYMENTS}) as payment
    where payment.order_id = ${orderId} and payment.receipt_id <> ${receiptId}
      and payment.amount_wei = ${amountWei} limit 1`.execute(db);
  return rows.length > 0;
}

/** What is paid of each of the orders; those of which nothing is are left out. */
export async function readPaidWei(
  db: Kysely<Tables>,
  orderIds: readonly string[],
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await sql<{ order_id: string; paid_wei: bigint }>`
    select payment.order_id, sum(payment.amount_wei) as paid_wei
    from (${STANDING_PAYMENTS}) as payment
    where payment.order_id = any(${[...orderIds]})
    group by payment.order_id`.execute(db);
  return new Map(rows.map(row => [row.order_id, row.paid_wei]));
}
