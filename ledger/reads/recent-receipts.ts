import { type Kysely, sql } from 'kysely';
import type { Instant } from '../core/instant.ts';
import type { Tables } from '../store/tables.ts';

/** How far a payment has come into the books. */
export type ReceiptStanding =
  /** Its credits are in the book of its account. */
  | 'credited'
  /** It is an account's; its credits are about to be in the book. */
  | 'crediting'
  /** It waits for its price. */
  | 'price_pending'
  /** It is nobody's, or kept back: `GET /v1/operator/suspense` says why. */
  | 'suspense'
  /** The chain took it back. */
  | 'reorged'
  /** By card: not paid yet, or failed. */
  | 'unpaid';

/** A payment as an operator sees it in a list. */
export interface RecentReceipt {
  readonly receiptId: string;
  readonly rail: 'chain' | 'stripe';
  /** When it was recorded here. */
  readonly recordedAt: Instant;
  /** Of a payment on the chain. */
  readonly amountWei: bigint | null;
  /** What it is worth, or was; null while that is not known. */
  readonly amountMicrousd: bigint | null;
  readonly accountId: bigint | null;
  readonly orderId: string | null;
  readonly standing: ReceiptStanding;
}

/** The newest payments of both rails, at most `limit` of them, the newest first. */
export async function readRecentReceipts(db: Kysely<Tables>, limit: number): Promise<RecentReceipt[]> {
  const [chain, cards] = await Promise.all([readOfChain(db, limit), readOfStripe(db, limit)]);
  const newestFirst = (a: RecentReceipt, b: RecentReceipt) => (a.recordedAt < b.recordedAt ? 1 : -1);
  return [...chain, ...cards].sort(newestFirst).slice(0, limit);
}

async function readOfChain(db: Kysely<Tables>, limit: number): Promise<RecentReceipt[]> {
  // Of the versions of a receipt the last that was in a block; a later one in none is the chain taking it back.
  const { rows } = await sql<{
    receipt_id: string;
    noticed_at: Instant;
    amount_wei: bigint;
    amount_microusd: bigint | null;
    account_id: bigint | null;
    order_id: string | null;
    is_absent: boolean;
    is_suspended: boolean;
    is_waiting: boolean;
  }>`
    select i.receipt_id, i.noticed_at, i.amount_wei, coalesce(a.amount_microusd, p.amount_microusd) as amount_microusd,
      a.account_id, a.order_id,
      exists (select from receipt_inclusions later where later.bucket = i.bucket
        and later.receipt_id = i.receipt_id and later.version > i.version) as is_absent,
      exists (select from suspense_reasons s where s.bucket = i.bucket and s.receipt_id = i.receipt_id
        and s.version = i.version and s.assignment_number = coalesce(a.number, 0)) as is_suspended,
      exists (select from outbox o where o.bucket = i.bucket and o.receipt_id = i.receipt_id
        and o.version = i.version and o.action = 'purchase') as is_waiting
    from receipt_inclusions i
    left join price_records p on p.bucket = i.bucket and p.receipt_id = i.receipt_id and p.version = i.version
    left join lateral (select * from assignments a where a.bucket = i.bucket and a.receipt_id = i.receipt_id
      and a.version = i.version order by a.number desc limit 1) a on true
    where i.block_number is not null and not exists (select from receipt_inclusions later
      where later.bucket = i.bucket and later.receipt_id = i.receipt_id and later.version > i.version
        and later.block_number is not null)
    order by i.block_number desc, i.receipt_id limit ${limit}`.execute(db);
  return rows.map(row => ({
    receiptId: row.receipt_id,
    rail: 'chain',
    recordedAt: row.noticed_at,
    amountWei: row.amount_wei,
    amountMicrousd: row.amount_microusd,
    accountId: row.account_id,
    orderId: row.order_id,
    standing: standingOf(row),
  }));
}

function standingOf(row: {
  readonly amount_microusd: bigint | null;
  readonly account_id: bigint | null;
  readonly is_absent: boolean;
  readonly is_suspended: boolean;
  readonly is_waiting: boolean;
}): ReceiptStanding {
  if (row.is_absent) return 'reorged';
  if (row.is_suspended) return 'suspense';
  if (row.amount_microusd === null) return 'price_pending';
  return row.account_id === null || row.is_waiting ? 'crediting' : 'credited';
}

async function readOfStripe(db: Kysely<Tables>, limit: number): Promise<RecentReceipt[]> {
  const { rows } = await sql<{
    receipt_id: string;
    decided_at: Instant;
    paid_microusd: bigint;
    account_id: bigint | null;
    order_id: string;
    suspense_reason: string | null;
    status: string;
    is_waiting: boolean;
  }>`
    select p.receipt_id, p.decided_at, p.paid_microusd, p.account_id, p.order_id, p.suspense_reason, p.status,
      exists (select from outbox o where o.bucket = p.bucket and o.receipt_id = p.receipt_id
        and o.action = 'purchase') as is_waiting
    from card_payments p
    where not exists (select from card_payments later where later.bucket = p.bucket
      and later.receipt_id = p.receipt_id and later.version > p.version)
    order by p.decided_at desc limit ${limit}`.execute(db);
  return rows.map(row => ({
    receiptId: row.receipt_id,
    rail: 'stripe',
    recordedAt: row.decided_at,
    amountWei: null,
    amountMicrousd: row.paid_microusd,
    accountId: row.account_id,
    orderId: row.order_id,
    standing: cardStandingOf(row),
  }));
}

function cardStandingOf(row: {
  readonly account_id: bigint | null;
  readonly suspense_reason: string | null;
  readonly status: string;
  readonly is_waiting: boolean;
}): ReceiptStanding {
  if (row.suspense_reason !== null) return 'suspense';
  if (row.status !== 'paid') return 'unpaid';
  return row.account_id === null || row.is_waiting ? 'crediting' : 'credited';
}
