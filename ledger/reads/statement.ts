import { type Kysely, sql } from 'kysely';
import { advance } from '../core/advance.ts';
import type { Instant } from '../core/instant.ts';
import type { EntryKind } from '../core/journal.ts';
import { bucketOfAccount } from '../store/bucket.ts';
import type { Tables } from '../store/tables.ts';
import { readLatestBook } from './latest-book.ts';
import type { ReadOptions } from './read-options.ts';

/** An entry as a line of a statement, with the balances after it. */
export interface StatementLine {
  readonly seq: bigint;
  readonly kind: EntryKind;
  /** Value date. */
  readonly effectiveAt: Instant;
  readonly bookedAt: Instant;
  readonly amountMicrocredits: bigint;
  readonly availableAfterMicrocredits: bigint;
  readonly heldAfterMicrocredits: bigint;
  readonly debtAfterMicrocredits: bigint;
  /** The service that asked; null for what time made due. */
  readonly serviceId: number | null;
  /** The key or grant that authorised it: of a capture, the one that placed the hold. Null where none did. */
  readonly keyNumber: number | null;
  readonly details: string | null;
  /** Of which lot how much moved from where to where, in the order of posting. */
  readonly movements: readonly Movement[];
}

export interface Movement {
  readonly lotId: bigint;
  readonly from: string;
  readonly to: string;
  /** In the smallest unit of the accounts' asset. */
  readonly amount: bigint;
}

export interface StatementPage {
  /** The newest first. */
  readonly lines: readonly StatementLine[];
  /** Where the next page begins; null when this is the last. */
  readonly next: bigint | null;
}

/**
 * A page of an account's entries, the newest first, each with the balances after it. What time has made due by `now`
 * and nobody has posted yet is in it, with the numbers that it will have. Costs the page, whatever the history.
 * @param page `before` is the `next` of the page before it; left out for the first. `limit` is at least 1.
 */
export async function readStatement(
  options: ReadOptions,
  accountId: bigint,
  now: Instant,
  page: { readonly before?: bigint | undefined; readonly limit: number },
): Promise<StatementPage> {
  const bucket = bucketOfAccount(accountId, options.bucketCount);
  return await options.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async db => {
      const book = await readLatestBook({ ...options, db }, accountId);
      const due = advance(book, now).entries.map(lineOf);
      const wanted = due.filter(({ seq }) => page.before === undefined || seq < page.before).reverse();
      const lines = wanted.slice(0, page.limit);
      const rest = page.limit - lines.length;
      const before = lines.length > 0 ? (lines.at(-1)?.seq ?? 0n) : (page.before ?? book.seq + 1n);
      if (rest > 0) lines.push(...(await readLines(db, { bucket, accountId, before, limit: rest })));
      const last = lines.at(-1)?.seq ?? 1n;
      return { lines, next: last > 1n ? last : null };
    });
}

function lineOf(entry: ReturnType<typeof advance>['entries'][number]): StatementLine {
  const { command, postings, ...rest } = entry;
  const movements = postings.map(({ from, to, amount, lot }) => ({ lotId: lot?.id ?? 0n, from, to, amount }));
  return { ...rest, serviceId: command?.serviceId ?? null, keyNumber: command?.keyNumber ?? null, movements };
}

interface Row {
  seq: bigint;
  kind: EntryKind;
  effective_at: Instant;
  booked_at: Instant;
  amount_microcredits: bigint;
  available_after_microcredits: bigint;
  held_after_microcredits: bigint;
  debt_after_microcredits: bigint;
  service_id: number | null;
  key_number: number | null;
  details: string | null;
  movements: readonly [lotId: string, from: string, to: string, amount: string][] | null;
}

// A movement is found by its lot, which was alive when it was posted, or had ended within a day when it was held; what
// is taken back of an older lot is a clawback, a restoration or a reversal: for these all lots are looked at.
async function readLines(
  db: Kysely<Tables>,
  page: {
    readonly bucket: number;
    readonly accountId: bigint;
    readonly before: bigint;
    readonly limit: number;
  },
): Promise<StatementLine[]> {
  const { rows } = await sql<Row>`
    select e.seq, e.kind, coalesce(e.effective_at, e.booked_at) as effective_at, e.booked_at, e.amount_microcredits,
      e.available_after_microcredits, coalesce(e.held_after_microcredits, 0) as held_after_microcredits,
      coalesce(e.debt_after_microcredits, 0) as debt_after_microcredits, e.service_id, e.details,
      case when e.kind = 'capture' then (select h.key_number from holds h
          where h.bucket = ${page.bucket} and h.account_id = e.account_id and h.closed_by = e.seq)
        else e.key_number end as key_number,
      (select json_agg(json_build_array(p.lot_id::text, gone.name, came.name, p.amount::text) order by p.line)
        from lots l
        join postings p on p.bucket = ${page.bucket} and p.account_id = l.account_id and p.lot_id = l.lot_id
          and p.seq = e.seq
        join ledger_accounts gone on gone.code = p.from_code
        join ledger_accounts came on came.code = p.to_code
        where l.bucket = ${page.bucket} and l.account_id = e.account_id
          and l.expires_at <= e.booked_at + interval '31 days'
          and (l.expires_at >= e.booked_at - interval '25 hours' or e.kind in ('clawback', 'restoration', 'reversal'))
      ) as movements
    from entries e
    where e.bucket = ${page.bucket} and e.account_id = ${page.accountId} and e.seq < ${page.before}
    order by e.seq desc
    limit ${page.limit}`.execute(db);
  return rows.map(row => ({
    seq: row.seq,
    kind: row.kind,
    effectiveAt: row.effective_at,
    bookedAt: row.booked_at,
    amountMicrocredits: row.amount_microcredits,
    availableAfterMicrocredits: row.available_after_microcredits,
    heldAfterMicrocredits: row.held_after_microcredits,
    debtAfterMicrocredits: row.debt_after_microcredits,
    serviceId: row.service_id,
    keyNumber: row.key_number,
    details: row.details,
    movements: (row.movements ?? []).map(([lotId, from, to, amount]) => ({
      lotId: BigInt(lotId),
      from,
      to,
      amount: BigInt(amount),
    })),
  }));
}
