/** What is recorded in one bucket of payments, withdrawals and differences of the balance, with its system book. */
import type { Selectable } from 'kysely';
import type pg from 'pg';
import { type Instant, laterOf } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { plainDigest } from '../store/posted-entries.ts';
import type {
  BalanceDifferenceTable,
  CardPaymentTable,
  SentTransactionTable,
  WithdrawalTable,
} from '../store/tables.ts';

export type CardPaymentRow = Selectable<CardPaymentTable>;
export type WithdrawalRow = Selectable<WithdrawalTable>;
export type SentRow = Selectable<SentTransactionTable>;
export type BalanceDifferenceRow = Selectable<BalanceDifferenceTable>;

/** One version of what the chain said of a receipt. */
export interface InclusionFacts {
  readonly receiptId: string;
  readonly version: number;
  /** Null where the chain has it no longer. */
  readonly amountWei: bigint | null;
  readonly noticedAt: Instant;
  /** Whose it became and for how much; null while it is in suspense or worth nothing. */
  readonly credited: {
    readonly accountId: bigint;
    readonly amountMicrousd: bigint;
    readonly decidedAt: Instant;
  } | null;
  /** What it was priced by; null while it is not. */
  readonly price: PriceFacts | null;
}

export interface PriceFacts {
  readonly answer: bigint;
  readonly quoteAnswer: bigint | null;
  readonly quotedWei: bigint;
  readonly amountMicrousd: bigint;
}

/** An entry of a system book with its postings as texts `from to amount`. */
export interface StoredEntry {
  readonly seq: bigint;
  readonly kind: EntryKind;
  readonly keyDigest: string | null;
  readonly bookedAt: Instant;
  readonly details: string | null;
  readonly postings: readonly string[];
}

export interface BucketFacts {
  /** The versions of each receipt, in their order. */
  readonly inclusions: readonly (readonly InclusionFacts[])[];
  readonly cardPayments: readonly (readonly CardPaymentRow[])[];
  readonly withdrawals: readonly WithdrawalRow[];
  readonly sent: readonly SentRow[];
  readonly differences: readonly (readonly BalanceDifferenceRow[])[];
  readonly receiptIds: ReadonlySet<string>;
  readonly entries: readonly StoredEntry[];
}

interface InclusionRow {
  receipt_id: string;
  version: number;
  outcome: 'included' | 'absent';
  amount_wei: bigint | null;
  noticed_at: Instant;
  account_id: bigint | null;
  assigned_at: Instant | null;
  is_kept_back: boolean | null;
  assigned_microusd: bigint | null;
  answer: bigint | null;
  quote_answer: bigint | null;
  quoted_wei: bigint | null;
  amount_microusd: bigint | null;
  priced_at: Instant | null;
}

/** With the last assignment of each version, and its price. */
const INCLUSIONS = `
  select i.receipt_id, i.version, i.outcome, i.amount_wei, i.noticed_at, a.account_id, a.decided_at as assigned_at,
    a.is_kept_back, a.amount_microusd as assigned_microusd, p.answer, p.quote_answer, p.quoted_wei, p.amount_microusd,
    p.decided_at as priced_at
  from receipt_inclusions i
  left join lateral (
    select a.account_id, a.decided_at, a.amount_microusd, exists (select from suspense_reasons s
        where s.bucket = $1 and s.receipt_id = a.receipt_id and s.version = a.version
          and s.assignment_number = a.number) as is_kept_back
    from assignments a
    where a.bucket = $1 and a.receipt_id = i.receipt_id and a.version = i.version
    order by a.number desc limit 1) a on true
  left join price_records p on p.bucket = $1 and p.receipt_id = i.receipt_id and p.version = i.version
  where i.bucket = $1
  order by i.receipt_id, i.version`;

const SYSTEM_ENTRIES = `
  select e.seq, e.kind, e.key_digest, e.booked_at, e.details, p.postings
  from entries e
  cross join lateral (
    select coalesce(array_agg(concat_ws(' ', gone.name, came.name, p.amount) order by p.line), '{}') as postings
    from postings p
    join ledger_accounts gone on gone.code = p.from_code
    join ledger_accounts came on came.code = p.to_code
    where p.bucket = $1 and p.account_id = 0 and p.lot_id = 0 and p.seq = e.seq) p
  where e.bucket = $1 and e.account_id = 0
  order by e.seq`;

export async function readBucketFacts(client: pg.ClientBase, bucket: number): Promise<BucketFacts> {
  const all = async <Row>(text: string) => (await client.query(text, [bucket])).rows as Row[];
  const inclusions = await all<InclusionRow>(INCLUSIONS);
  const cards = await all<CardPaymentRow>(
    'select * from card_payments where bucket = $1 order by receipt_id, version',
  );
  const differences = await all<BalanceDifferenceRow>(
    'select * from balance_differences where bucket = $1 order by difference_id, version',
  );
  const receipts = await all<{ receipt_id: string }>('select receipt_id from receipts where bucket = $1');
  const entries = await all<{
    seq: bigint;
    kind: EntryKind;
    key_digest: string | null;
    booked_at: Instant;
    details: string | null;
    postings: string[];
  }>(SYSTEM_ENTRIES);
  return {
    inclusions: byName(inclusions.map(factsOf), ({ receiptId }) => receiptId),
    cardPayments: byName(cards, row => row.receipt_id),
    withdrawals: await all<WithdrawalRow>(
      'select * from withdrawals where bucket = $1 order by transaction_hash, trace_index',
    ),
    sent: await all<SentRow>('select * from sent_transactions where bucket = $1 order by transaction_hash'),
    differences: byName(differences, row => row.difference_id),
    receiptIds: new Set(receipts.map(row => row.receipt_id)),
    entries: entries.map(row => ({
      seq: row.seq,
      kind: row.kind,
      keyDigest: row.key_digest === null ? null : plainDigest(row.key_digest),
      bookedAt: row.booked_at,
      details: row.details,
      postings: row.postings,
    })),
  };
}

function factsOf(row: InclusionRow): InclusionFacts {
  const { answer, quote_answer: quoteAnswer, quoted_wei: quotedWei, amount_microusd: amountMicrousd } = row;
  const price =
    answer === null || amountMicrousd === null
      ? null
      : { answer, quoteAnswer, quotedWei: quotedWei ?? 0n, amountMicrousd };
  return {
    receiptId: row.receipt_id,
    version: row.version,
    amountWei: row.outcome === 'included' ? row.amount_wei : null,
    noticedAt: row.noticed_at,
    credited: creditedOf(row),
    price,
  };
}

function creditedOf(row: InclusionRow): InclusionFacts['credited'] {
  const { account_id: accountId, assigned_at: assignedAt, priced_at: pricedAt } = row;
  if (accountId === null || assignedAt === null || pricedAt === null || row.is_kept_back) return null;
  const amountMicrousd = row.assigned_microusd ?? row.amount_microusd ?? 0n;
  if (amountMicrousd === 0n) return null;
  return { accountId, amountMicrousd, decidedAt: laterOf(assignedAt, pricedAt) };
}

function byName<Row>(rows: readonly Row[], nameOf: (row: Row) => string): Row[][] {
  return [...Map.groupBy(rows, nameOf).values()];
}
