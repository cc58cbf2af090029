/**
 * What was written down of payments and of what left the payment address, before anything was posted. All of it is in
 * memory while a ledger is replayed, about a kilobyte for each payment; of one bucket at a time while it is reconciled.
 */
import type pg from 'pg';
import type { CardPaymentState } from '../core/card-payment.ts';
import type { Instant } from '../core/instant.ts';
import { type CardPaymentRow, cardStateOf } from '../store/card-payment-row.ts';

/** Where the chain had a payment, or, from the next version on, that it has not. */
export interface InclusionFact {
  readonly receiptId: string;
  readonly version: number;
  readonly bucket: number;
  /** Null: the chain took it back. */
  readonly included: {
    readonly blockNumber: bigint;
    readonly blockAt: Instant;
    readonly amountWei: bigint;
  } | null;
  readonly noticedAt: Instant;
}

/** What a version of a payment was credited with, and to whom. */
export interface CreditFact {
  readonly accountId: bigint;
  readonly amountMicrousd: bigint;
  /** When it counts as paid; null: from when it was posted. */
  readonly paidAt: Instant | null;
  /** When it became so: by its price or by its assignment, whichever was later. */
  readonly decidedAt: Instant;
}

export interface CardFact {
  readonly receiptId: string;
  readonly version: number;
  readonly bucket: number;
  readonly orderId: string;
  /** Null in suspense. */
  readonly accountId: bigint | null;
  readonly state: CardPaymentState;
  readonly decidedAt: Instant;
}

export interface WithdrawalFact {
  readonly bucket: number;
  readonly transactionHash: string;
  readonly traceIndex: number;
  readonly toAddress: string | null;
  readonly amountWei: bigint;
  readonly blockAt: Instant;
  readonly noticedAt: Instant;
}

export interface SentFact {
  readonly bucket: number;
  readonly transactionHash: string;
  readonly outcome: string;
  readonly feeWei: bigint;
  readonly blockAt: Instant;
  readonly noticedAt: Instant;
}

export interface DifferenceFact {
  readonly bucket: number;
  readonly differenceId: string;
  readonly version: number;
  readonly fromBlock: bigint;
  readonly throughBlock: bigint;
  readonly throughAt: Instant;
  readonly amountWei: bigint;
  readonly decidedAt: Instant;
}

/** Each list in the order of its key; versions of one thing follow each other. */
export interface Facts {
  readonly inclusions: readonly InclusionFact[];
  /** By receipt and version: `eth:8453:0x…:0 1`. Without those that were worth nothing or stay in suspense. */
  readonly credits: ReadonlyMap<string, CreditFact>;
  readonly cards: readonly CardFact[];
  readonly withdrawals: readonly WithdrawalFact[];
  readonly sent: readonly SentFact[];
  readonly differences: readonly DifferenceFact[];
}

/** The key of a version of a receipt. */
export function versionKey(receiptId: string, version: number): string {
  return `${receiptId} ${version}`;
}

export interface FactsWanted {
  /** What was written down by then; everything when null. */
  readonly through: string | null;
  /** What belongs to this bucket; of all when null. */
  readonly bucket: number | null;
}

/** Everything that was ever written down. */
export const ALL_FACTS: FactsWanted = { through: null, bucket: null };

/**
 * Reads what was written down in the transaction of `client`. Its pool must be one of `openPool`, whose instants and
 * amounts are bigint.
 */
export async function readFacts(client: pg.ClientBase, wanted: FactsWanted): Promise<Facts> {
  return {
    inclusions: await readInclusions(client, wanted),
    credits: await readCredits(client, wanted),
    cards: await readCards(client, wanted),
    withdrawals: await readRows<WithdrawalFact>(
      client,
      `select bucket, transaction_hash as "transactionHash", trace_index as "traceIndex", to_address as "toAddress",
        amount_wei as "amountWei", block_at as "blockAt", noticed_at as "noticedAt"
      from withdrawals ${wantedBy('noticed_at')} order by transaction_hash, trace_index`,
      wanted,
    ),
    sent: await readRows<SentFact>(
      client,
      `select bucket, transaction_hash as "transactionHash", outcome, fee_wei as "feeWei", block_at as "blockAt",
        noticed_at as "noticedAt"
      from sent_transactions ${wantedBy('noticed_at')} order by transaction_hash`,
      wanted,
    ),
    differences: await readRows<DifferenceFact>(
      client,
      `select bucket, difference_id as "differenceId", version, from_block as "fromBlock",
        through_block as "throughBlock", through_at as "throughAt", amount_wei as "amountWei",
        decided_at as "decidedAt"
      from balance_differences ${wantedBy('decided_at')} order by difference_id, version`,
      wanted,
    ),
  };
}

async function readRows<Row>(
  client: pg.ClientBase,
  text: string,
  { through, bucket }: FactsWanted,
): Promise<Row[]> {
  const { rows } = await client.query(text, [through, bucket]);
  return rows as Row[];
}

/** Of a table alone: its rows of the bucket that were written down by then. */
function wantedBy(column: string): string {
  return `where ($1::timestamptz is null or ${column} <= $1) and ($2::smallint is null or bucket = $2)`;
}

async function readInclusions(client: pg.ClientBase, wanted: FactsWanted): Promise<InclusionFact[]> {
  const rows = await readRows<{
    bucket: number;
    receipt_id: string;
    version: number;
    outcome: string;
    block_number: bigint | null;
    block_at: Instant | null;
    amount_wei: bigint | null;
    noticed_at: Instant;
  }>(
    client,
    `select bucket, receipt_id, version, outcome, block_number, block_at, amount_wei, noticed_at from receipt_inclusions
    ${wantedBy('noticed_at')} order by receipt_id, version`,
    wanted,
  );
  return rows.map(row => ({
    bucket: row.bucket,
    receiptId: row.receipt_id,
    version: row.version,
    included: includedOf(row),
    noticedAt: row.noticed_at,
  }));
}

function includedOf(row: {
  outcome: string;
  block_number: bigint | null;
  block_at: Instant | null;
  amount_wei: bigint | null;
}): InclusionFact['included'] {
  const { outcome, block_number: blockNumber, block_at: blockAt, amount_wei: amountWei } = row;
  if (outcome !== 'included' || blockNumber === null || blockAt === null || amountWei === null) return null;
  return { blockNumber, blockAt, amountWei };
}

/**
 * The last assignment of a version, unless that was kept back, with its price. A price later than the block's own, and
 * whatever a person decided, counts from when it is posted, so that no life is lost (design: "Lots").
 */
async function readCredits(client: pg.ClientBase, wanted: FactsWanted): Promise<Map<string, CreditFact>> {
  const rows = await readRows<{
    receipt_id: string;
    version: number;
    account_id: bigint;
    amount_microusd: bigint;
    paid_at: Instant | null;
    decided_at: Instant;
  }>(
    client,
    `select a.receipt_id, a.version, a.account_id, coalesce(a.amount_microusd, p.amount_microusd) as amount_microusd,
      case when a.matched_by in ('operator', 'claim') or p.source = 'operator' or p.round_updated_at > i.block_at
        then null else i.block_at end as paid_at,
      greatest(a.decided_at, p.decided_at) as decided_at
    from (
      select distinct on (bucket, receipt_id, version) * from assignments
      ${wantedBy('decided_at')}
      order by bucket, receipt_id, version, number desc
    ) a
    join price_records p on p.bucket = a.bucket and p.receipt_id = a.receipt_id and p.version = a.version
    join receipt_inclusions i on i.bucket = a.bucket and i.receipt_id = a.receipt_id and i.version = a.version
    where ($1::timestamptz is null or p.decided_at <= $1)
      and not exists (select from suspense_reasons s where s.bucket = a.bucket and s.receipt_id = a.receipt_id
        and s.version = a.version and s.assignment_number = a.number
        and ($1::timestamptz is null or s.decided_at <= $1))
      and coalesce(a.amount_microusd, p.amount_microusd) > 0`,
    wanted,
  );
  return new Map(
    rows.map(row => [
      versionKey(row.receipt_id, row.version),
      {
        accountId: row.account_id,
        amountMicrousd: row.amount_microusd,
        paidAt: row.paid_at,
        decidedAt: row.decided_at,
      },
    ]),
  );
}

async function readCards(client: pg.ClientBase, wanted: FactsWanted): Promise<CardFact[]> {
  const rows = await readRows<CardPaymentRow>(
    client,
    `select * from card_payments ${wantedBy('decided_at')} order by receipt_id, version`,
    wanted,
  );
  return rows.map(row => ({
    bucket: row.bucket,
    receiptId: row.receipt_id,
    version: row.version,
    orderId: row.order_id,
    accountId: row.account_id,
    decidedAt: row.decided_at,
    state: cardStateOf(row),
  }));
}
