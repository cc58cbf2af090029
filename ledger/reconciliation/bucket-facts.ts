/** What is recorded in one bucket, with its system book. */
import type pg from 'pg';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { type Facts, readFacts } from '../replay/facts.ts';
import { plainDigest } from '../store/posted-entries.ts';

/** What a payment was priced by. */
export interface PriceFacts {
  readonly receiptId: string;
  readonly amountWei: bigint;
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
  readonly facts: Facts;
  readonly prices: readonly PriceFacts[];
  readonly receiptIds: ReadonlySet<string>;
  readonly entries: readonly StoredEntry[];
}

const PRICES = `
  select p.receipt_id as "receiptId", i.amount_wei as "amountWei", p.answer, p.quote_answer as "quoteAnswer",
    p.quoted_wei as "quotedWei", p.amount_microusd as "amountMicrousd"
  from price_records p
  join receipt_inclusions i on i.bucket = $1 and i.receipt_id = p.receipt_id and i.version = p.version
  where p.bucket = $1 and i.outcome = 'included'
  order by p.receipt_id, p.version`;

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
    facts: await readFacts(client, { through: null, bucket }),
    prices: await all<PriceFacts>(PRICES),
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
