import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import { type OrderReceipt, type OrderState, orderState } from '../core/order-state.ts';
import type { SuspenseReason } from '../core/suspense-reason.ts';
import type { Tables } from '../store/tables.ts';
import { type CardOrderStatus, readCardOrderStatus } from './card-order-status.ts';
import { type Finality, finalityOf, readSettledBlocks } from './finality.ts';
import type { OrderRow } from './find-order.ts';

/** A payment of an order, with where the chain has it. */
export interface PaymentStatus extends OrderReceipt {
  readonly receiptId: string;
  readonly transactionHash: string;
  readonly blockNumber: bigint;
  /** How settled its block is: the chain's own word, compared with the payment. */
  readonly finality: Finality;
  /** Why it stays in suspense; null for one that does not. */
  readonly keptBackFor: SuspenseReason | null;
  /** The version whose purchase made its lot. */
  readonly purchaseVersion: number;
}

export interface EthOrderStatus extends OrderState {
  readonly method: 'eth';
  readonly payments: readonly PaymentStatus[];
  /** True once the Secure Key can be claimed: some payment's credits are in the book. */
  readonly credited: boolean;
}

export type OrderStatus = EthOrderStatus | CardOrderStatus;

/** Where `order` stands at `now`, from the payments that were matched to it. */
export async function readOrderStatus(
  db: Kysely<Tables>,
  order: OrderRow,
  now: Instant,
): Promise<OrderStatus> {
  return order.method === 'card'
    ? await readCardOrderStatus(db, order)
    : await readEthOrderStatus(db, order, now);
}

/** The same of an order that is paid in ETH. */
export async function readEthOrderStatus(
  db: Kysely<Tables>,
  order: OrderRow,
  now: Instant,
): Promise<EthOrderStatus> {
  const settled = await readSettledBlocks(db);
  const payments = (await readPayments(db, order.order_id)).map(payment => ({
    ...payment,
    finality: finalityOf(payment, settled),
  }));
  const { quoted_wei: quotedWei, deadline } = order;
  return {
    method: 'eth',
    ...orderState({ quotedWei: quotedWei ?? 0n, deadline }, payments, now),
    payments,
    credited: payments.some(payment => payment.credited),
  };
}

async function readPayments(db: Kysely<Tables>, orderId: string): Promise<Omit<PaymentStatus, 'finality'>[]> {
  // The latest inclusion that was matched to the order; a higher version that is absent means a reorg took it. What was
  // kept back and then assigned elsewhere is no longer the order's.
  const { rows } = await sql<{
    receipt_id: string;
    version: number;
    transaction_hash: string;
    block_number: bigint;
    block_at: Instant;
    amount_wei: bigint;
    amount_microusd: bigint | null;
    kept_back_for: SuspenseReason | null;
    waiting: boolean;
    reversed: boolean;
  }>`
    select distinct on (a.receipt_id)
      a.receipt_id, a.version, i.transaction_hash, i.block_number, i.block_at, i.amount_wei,
      coalesce(a.amount_microusd, p.amount_microusd) as amount_microusd,
      s.reason as kept_back_for,
      exists (select from outbox o where o.bucket = a.bucket and o.receipt_id = a.receipt_id
        and o.version = a.version and o.action = 'purchase') as waiting,
      exists (select from receipt_inclusions later where later.bucket = a.bucket
        and later.receipt_id = a.receipt_id and later.version > a.version) as reversed
    from assignments a
    join receipt_inclusions i on i.bucket = a.bucket and i.receipt_id = a.receipt_id and i.version = a.version
    left join price_records p on p.bucket = a.bucket and p.receipt_id = a.receipt_id and p.version = a.version
    left join suspense_reasons s on s.bucket = a.bucket and s.receipt_id = a.receipt_id and s.version = a.version
      and s.assignment_number = a.number
    where a.order_id = ${orderId} and not exists (select from assignments later where later.bucket = a.bucket
      and later.receipt_id = a.receipt_id and later.version = a.version and later.number > a.number)
    order by a.receipt_id, a.version desc`.execute(db);
  return rows.map(row => {
    const keptBack = row.kept_back_for !== null;
    return {
      receiptId: row.receipt_id,
      transactionHash: row.transaction_hash,
      blockNumber: row.block_number,
      blockAt: row.block_at,
      amountWei: row.amount_wei,
      amountMicrousd: row.amount_microusd,
      credited: !row.reversed && !row.waiting && !keptBack && (row.amount_microusd ?? 0n) > 0n,
      reversed: row.reversed,
      keptBack,
      keptBackFor: row.kept_back_for,
      purchaseVersion: row.version,
    };
  });
}
