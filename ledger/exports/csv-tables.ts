/**
 * The tables of an export in CSV. Each column is named once, with where it is from and what it means; the file
 * `columns.csv` of every export repeats that. Amounts are integers in the smallest unit, which the name ends with;
 * instants are RFC 3339 in UTC to the microsecond.
 */
import { accountName, bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { type CsvValue, csvInstant } from '../store/csv-line.ts';

export interface CsvColumn {
  readonly name: string;
  /** What of the row it tells; a name is a column of the query as it is. */
  readonly of: string | ((row: Row) => CsvValue);
  readonly says: string;
}

export interface CsvTable {
  readonly file: string;
  readonly says: string;
  /**
   * What is selected, in the end's order. `$1` is the instant of the export; `$2` the account's bucket and `$3` the
   * account, both null when all are meant.
   */
  readonly query: string;
  readonly columns: readonly CsvColumn[];
}

export type Row = Readonly<Record<string, unknown>>;

const instant = (column: string) => (row: Row) => csvInstant(row[column] as Instant | null);
const book = (row: Row) => bookName(row.bucket as number, row.account_id as bigint);
const account = (row: Row) => (row.account_id === null ? null : accountName(row.account_id as bigint));
const hex = (column: string) => (row: Row) => (row[column] as Buffer).toString('hex');

const plain = (name: string, says: string): CsvColumn => ({ name, of: name, says });
const timed = (name: string, says: string): CsvColumn => ({ name, of: instant(name), says });

/** Keeps entries `e` to the range. */
const ENTRIES_IN_RANGE = `e.booked_at <= $1::timestamptz
  and ($2::smallint is null or e.bucket = $2 and e.account_id = $3::bigint)`;

/** Keeps rows `t` of a receipt to those that were ever the account's. */
const RECEIPTS_IN_RANGE = `($2::smallint is null or $3::bigint is null or exists (select from assignments a
  where a.bucket = t.bucket and a.receipt_id = t.receipt_id and a.account_id = $3::bigint))`;

/** Money that is no account's is left out where one is asked for. */
const OF_ALL = '($2::smallint is null and $3::bigint is null)';

export const CSV_TABLES: readonly CsvTable[] = [
  {
    file: 'entries.csv',
    says: 'The entries of the journal, sealed by their hashes.',
    query: `select e.*, coalesce(e.effective_at, e.booked_at) as value_date,
        coalesce(e.held_after_microcredits, 0) as held_after, coalesce(e.debt_after_microcredits, 0) as debt_after
      from entries e where ${ENTRIES_IN_RANGE}
      order by e.booked_at, e.bucket, e.account_id, e.seq`,
    columns: [
      { name: 'book', of: book, says: "the account's book, or a system book" },
      plain('seq', 'its number in the book, gapless from 1'),
      plain('kind', 'what it is'),
      timed('booked_at', 'when the book took it in'),
      { name: 'effective_at', of: instant('value_date'), says: 'its value date' },
      plain('amount_microcredits', 'what it moved in credits; 0 in system books'),
      plain('available_after_microcredits', 'what the book had available after it'),
      { name: 'held_after_microcredits', of: 'held_after', says: 'what it had held after it' },
      { name: 'debt_after_microcredits', of: 'debt_after', says: 'what it owed after it' },
      plain('service_id', 'the service that asked; 0 is this system, empty is time alone'),
      plain('key_number', 'the key or grant that authorised it'),
      plain('key_digest', 'what the idempotency key is remembered by'),
      plain('payload_digest', 'what was asked under it'),
      { name: 'hash', of: hex('hash'), says: 'SHA-256 over the hash before it and all of it' },
      plain('details', 'further facts, sealed as text'),
    ],
  },
  {
    file: 'postings.csv',
    says: 'The movements of the entries: each leaves one account and reaches another of the same asset.',
    query: `select p.*, split_part(gone.name, ':', 1) as asset, gone.name as gone, came.name as came, e.booked_at
      from postings p
      join entries e on e.bucket = p.bucket and e.account_id = p.account_id and e.seq = p.seq
      join ledger_accounts gone on gone.code = p.from_code
      join ledger_accounts came on came.code = p.to_code
      where ${ENTRIES_IN_RANGE} order by e.booked_at, e.bucket, e.account_id, e.seq, p.line`,
    columns: [
      { name: 'book', of: book, says: 'the book of its entry' },
      plain('seq', 'the number of its entry'),
      plain('line', 'its place in the entry, from 1'),
      timed('booked_at', 'when the book took it in'),
      plain('asset', 'CREDIT, USD or ETH'),
      { name: 'from_account', of: 'gone', says: 'the account that is credited' },
      { name: 'to_account', of: 'came', says: 'the account that is debited' },
      plain('amount', 'microcredits, micro-dollars or wei, by its asset'),
      {
        name: 'lot_id',
        of: row => (row.lot_id === 0n ? null : (row.lot_id as bigint)),
        says: 'the lot that it is about',
      },
      plain('lot_available_after_microcredits', 'what that lot had available after it'),
      plain('lot_held_after_microcredits', 'what it had held after it'),
      plain('lot_unreleased_after_microcredits', 'what was still to be released of it'),
    ],
  },
  {
    file: 'lots.csv',
    says: 'The lots, with what they had after the last entry of the export.',
    query: `select l.bucket, l.account_id, l.lot_id, l.added_at, l.expires_at, l.policy, f.face_microcredits,
        p.available, p.held, p.unreleased, l.paid_microusd, d.deferred, l.restores_lot_id
      from lots l
      join entries e on e.bucket = l.bucket and e.account_id = l.account_id and e.seq = l.lot_id
      cross join lateral (
        select p.lot_available_after_microcredits as available, p.lot_held_after_microcredits as held,
          p.lot_unreleased_after_microcredits as unreleased
        from postings p join entries of on of.bucket = p.bucket and of.account_id = p.account_id and of.seq = p.seq
        where p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
          and of.booked_at <= $1::timestamptz
        order by p.seq desc, p.line desc limit 1) p
      cross join lateral (
        select f.face_microcredits from lot_faces f
        join entries of on of.bucket = f.bucket and of.account_id = f.account_id and of.seq = f.seq
        where f.bucket = l.bucket and f.account_id = l.account_id and f.lot_id = l.lot_id
          and of.booked_at <= $1::timestamptz
        order by f.seq desc limit 1) f
      cross join lateral (
        select coalesce(sum(case when p.from_code = 2200 then p.amount else -p.amount end), 0) as deferred
        from postings p join entries of on of.bucket = p.bucket and of.account_id = p.account_id and of.seq = p.seq
        where p.bucket = l.bucket and p.account_id = l.account_id and p.lot_id = l.lot_id
          and 2200 in (p.from_code, p.to_code) and of.booked_at <= $1::timestamptz) d
      where ${ENTRIES_IN_RANGE} order by l.bucket, l.account_id, l.lot_id`,
    columns: [
      { name: 'account', of: account, says: 'whose it is' },
      plain('lot_id', 'the number of the entry that added it'),
      timed('added_at', 'the beginning of its life'),
      timed('expires_at', 'the end of its life'),
      plain('policy', 'what midnights do to it: refill, none or installments'),
      plain('face_microcredits', 'its face'),
      { name: 'available_microcredits', of: 'available', says: 'what can be spent of it' },
      { name: 'held_microcredits', of: 'held', says: 'what is reserved of it' },
      { name: 'unreleased_microcredits', of: 'unreleased', says: 'installments to come' },
      plain('paid_microusd', 'what was paid for it'),
      {
        name: 'deferred_microusd',
        of: 'deferred',
        says: 'what of that is posted neither as revenue nor as given back',
      },
      plain('restores_lot_id', 'the lot whose payment came again, where this one gives it back'),
    ],
  },
  {
    file: 'receipts.csv',
    says: 'Where the chain had each payment. The highest version holds.',
    query: `select t.* from receipt_inclusions t where t.noticed_at <= $1::timestamptz and ${RECEIPTS_IN_RANGE}
      order by t.bucket, t.receipt_id, t.version`,
    columns: [
      plain('receipt_id', 'eth:<chain>:<transaction>:<trace index>'),
      plain('version', 'counts what the chain said of it'),
      plain('outcome', 'included, or absent after a reorg'),
      plain('block_number', 'its block'),
      plain('block_hash', "the block's hash"),
      timed('block_at', "the block's timestamp"),
      plain('transaction_hash', 'its transaction'),
      plain('transaction_index', "the transaction's place in the block"),
      plain('trace_index', "the call frame's place in the transaction, depth first from 0"),
      plain('frame_type', 'CALL, or what else moved it'),
      plain('transaction_type', 'as the RPC names it'),
      plain('from_address', 'who paid: the sender of the frame'),
      plain('amount_wei', 'what was paid'),
      plain('input', "the frame's own input, when it is short enough for a reference"),
      timed('noticed_at', 'when it was recorded'),
    ],
  },
  {
    file: 'price_records.csv',
    says: 'The price that each inclusion was given, once and for ever.',
    query: `select t.* from price_records t where t.decided_at <= $1::timestamptz and ${RECEIPTS_IN_RANGE}
      order by t.bucket, t.receipt_id, t.version`,
    columns: [
      plain('receipt_id', 'the receipt'),
      plain('version', 'of its inclusion'),
      plain('source', 'chainlink, or operator'),
      plain('feed', 'the address of the feed'),
      plain('round_id', 'the full id of the round'),
      plain('answer', 'dollars for an ETH, with 8 decimals'),
      timed('round_started_at', 'when the round began'),
      timed('round_updated_at', 'when it was answered'),
      plain('rule_version', 'of the rule that chose the round'),
      plain('quote_answer', 'the price that the order promised'),
      plain('quoted_wei', 'for how much of the payment'),
      plain('no_quote', 'whether promised prices count for nothing here'),
      plain('amount_microusd', 'what the payment is worth by it'),
      plain('operator', 'who gave the price'),
      plain('reason', 'why'),
      timed('decided_at', 'when it was recorded'),
    ],
  },
  {
    file: 'assignments.csv',
    says: 'Whose each inclusion is. The highest number holds.',
    query: `select t.* from assignments t where t.decided_at <= $1::timestamptz
        and ($3::bigint is null or t.account_id = $3::bigint) and ($2::smallint is null or $2 >= 0)
      order by t.bucket, t.receipt_id, t.version, t.number`,
    columns: [
      plain('receipt_id', 'the receipt'),
      plain('version', 'of its inclusion'),
      plain('number', 'counts the assignments of that inclusion'),
      { name: 'account', of: account, says: 'whose it is' },
      plain('order_id', 'the order that it pays'),
      plain('matched_by', 'how it is known'),
      plain('operator', 'who assigned it, where an operator did'),
      plain('reason', 'why'),
      plain('quote_answer', 'the promised price, where it was assigned after it was priced'),
      plain('quoted_wei', 'for how much of it'),
      plain('amount_microusd', 'what it is then worth; empty: as its price record says'),
      timed('decided_at', 'when it was recorded'),
    ],
  },
  {
    file: 'card_payments.csv',
    says: 'Where each card payment stood whenever something had changed. The highest version holds.',
    query: `select t.* from card_payments t where t.decided_at <= $1::timestamptz
        and ($3::bigint is null or t.account_id = $3::bigint) and ($2::smallint is null or $2 >= 0)
      order by t.bucket, t.receipt_id, t.version`,
    columns: [
      plain('receipt_id', 'stripe:<payment intent>'),
      plain('version', 'counts what Stripe said of it'),
      plain('payment_intent_id', 'the payment at Stripe'),
      plain('charge_id', 'its charge'),
      plain('session_id', 'its checkout session'),
      plain('order_id', 'the order that it pays'),
      { name: 'account', of: account, says: 'whose it is; empty: it waits in suspense' },
      plain('suspense_reason', 'why it waits'),
      plain('status', 'processing, paid or failed'),
      timed('paid_at', "when Stripe's balance got it"),
      timed('moved_at', 'when the last of it moved'),
      plain('paid_microusd', 'what was paid'),
      plain('fee_microusd', 'what Stripe took'),
      plain('refunded_microusd', 'what went back to the buyer'),
      plain('withdrawn_microusd', 'what banks withdrew because of disputes'),
      plain('reinstated_microusd', 'what of that came back'),
      timed('decided_at', 'when it was recorded'),
    ],
  },
  {
    file: 'withdrawals.csv',
    says: 'What left the payment address, by call frame.',
    query: `select t.* from withdrawals t where t.noticed_at <= $1::timestamptz and ${OF_ALL}
      order by t.block_number, t.transaction_hash, t.trace_index`,
    columns: [
      plain('transaction_hash', 'its transaction'),
      plain('trace_index', "the call frame's place in it"),
      plain('block_number', 'its block'),
      plain('block_hash', "the block's hash"),
      timed('block_at', "the block's timestamp"),
      plain('frame_type', 'CALL, or what else moved it'),
      plain('to_address', 'where it went'),
      plain('amount_wei', 'how much'),
      timed('noticed_at', 'when it was recorded'),
    ],
  },
  {
    file: 'sent_transactions.csv',
    says: 'The transactions that the payment address sent, with what they cost it.',
    query: `select t.* from sent_transactions t where t.noticed_at <= $1::timestamptz and ${OF_ALL}
      order by t.block_number, t.transaction_hash`,
    columns: [
      plain('transaction_hash', 'the transaction'),
      plain('block_number', 'its block'),
      plain('block_hash', "the block's hash"),
      timed('block_at', "the block's timestamp"),
      plain('outcome', 'success or reverted'),
      plain('gas_used', 'gas'),
      plain('gas_price_wei', 'what a unit of it cost'),
      plain('l1_fee_wei', 'for publishing it on L1'),
      plain('operator_fee_wei', "the sequencer's"),
      plain('fee_wei', 'all of it: gas_used × gas_price_wei + l1_fee_wei + operator_fee_wei'),
      timed('noticed_at', 'when it was recorded'),
    ],
  },
  {
    file: 'balance_checks.csv',
    says: 'What the chain said of the payment address at final blocks. The first row is what was there before.',
    query: `select t.* from balance_checks t where t.decided_at <= $1::timestamptz and ${OF_ALL}
      order by t.block_number, t.version`,
    columns: [
      plain('block_number', 'the block'),
      plain('version', 'counts what was said of it'),
      plain('outcome', 'observed, inferred from a later block, or abandoned after a reorg'),
      plain('block_hash', "the block's hash"),
      timed('block_at', "the block's timestamp"),
      plain('balance_wei', 'the balance at it'),
      plain('nonce', 'the nonce at it'),
      plain('explained_wei', 'receipts less withdrawals and gas since the first row'),
      plain('unexplained_wei', 'what was left over'),
      timed('decided_at', 'when it was recorded'),
    ],
  },
];
