/** Writing what was decided: entries, postings, lots and the books' new heads, in one statement. */
import type { Book } from '../core/book.ts';
import type { Entry } from '../core/journal.ts';
import type { Lot } from '../core/lot.ts';
import type { AccountCodes } from './account-codes.ts';
import type { BookKey } from './books.ts';
import { instantText } from './instant-text.ts';
import type { RunSql, Statement } from './run-sql.ts';

export interface SealedEntry {
  readonly entry: Entry;
  readonly hash: Uint8Array;
}

/** A book with what a transaction adds to it. */
export interface BookChange extends BookKey {
  readonly book: Book;
  /** The hash of the last entry. */
  readonly head: Uint8Array;
  readonly entries: readonly SealedEntry[];
  /** The lots that changed or are new. */
  readonly lots: readonly Lot[];
}

const WRITE: Statement = {
  name: 'write_entries',
  text: `with new_entries as (
      insert into entries (bucket, account_id, seq, kind, effective_at, booked_at, service_id, key_number, key_digest,
        payload_digest, amount_microcredits, details, available_after_microcredits, held_after_microcredits,
        debt_after_microcredits, hash)
      select * from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::entry_kind[], $5::timestamptz[],
        $6::timestamptz[], $7::integer[], $8::integer[], $9::uuid[], $10::uuid[], $11::bigint[], $12::text[],
        $13::bigint[], $14::bigint[], $15::bigint[], $16::bytea[])
    ), new_postings as (
      insert into postings (bucket, account_id, seq, line, from_code, to_code, amount, lot_id,
        lot_available_after_microcredits, lot_held_after_microcredits, lot_unreleased_after_microcredits)
      select * from unnest($17::smallint[], $18::bigint[], $19::bigint[], $20::smallint[], $21::smallint[],
        $22::smallint[], $23::numeric[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[])
    ), new_lots as (
      insert into lots (bucket, account_id, lot_id, added_at, expires_at, policy, face_microcredits,
        available_microcredits, held_microcredits, unreleased_microcredits, settled_microcredits, paid_microusd,
        deferred_microusd, open)
      select * from unnest($28::smallint[], $29::bigint[], $30::bigint[], $31::timestamptz[], $32::timestamptz[],
        $33::renewal_policy[], $34::bigint[], $35::bigint[], $36::bigint[], $37::bigint[], $38::bigint[],
        $39::bigint[], $40::bigint[], $41::boolean[])
      on conflict (bucket, account_id, lot_id) do update set
        face_microcredits = excluded.face_microcredits, available_microcredits = excluded.available_microcredits,
        held_microcredits = excluded.held_microcredits, unreleased_microcredits = excluded.unreleased_microcredits,
        settled_microcredits = excluded.settled_microcredits,
        deferred_microusd = excluded.deferred_microusd, open = excluded.open
    )
    update books b set seq = x.seq, head = x.head, booked_at = x.booked_at, debt_microcredits = x.debt
    from unnest($42::smallint[], $43::bigint[], $44::bigint[], $45::bytea[], $46::timestamptz[], $47::bigint[])
      as x (bucket, account_id, seq, head, booked_at, debt)
    where b.bucket = x.bucket and b.account_id = x.account_id`,
};

/** Lots are numbered from 1, as entries are. */
const NO_LOT = 0n;

/** Writes the changes. The caller holds the locks of all the books. */
export async function writeEntries(
  run: RunSql,
  codes: AccountCodes,
  changes: readonly BookChange[],
): Promise<void> {
  const entries = columns(16);
  const postings = columns(11);
  const lots = columns(14);
  const books = columns(6);
  for (const change of changes) {
    const { bucket, accountId, book } = change;
    for (const { entry, hash } of change.entries) {
      const { command } = entry;
      push(
        entries,
        bucket,
        accountId,
        entry.seq,
        entry.kind,
        instantText(entry.effectiveAt),
        instantText(entry.bookedAt),
        command?.serviceId ?? null,
        command?.keyNumber ?? null,
        command?.keyDigest ?? null,
        command?.payloadDigest ?? null,
        entry.amountMicrocredits,
        entry.details,
        entry.availableAfterMicrocredits,
        entry.heldAfterMicrocredits,
        entry.debtAfterMicrocredits,
        hash,
      );
      let line = 0;
      for (const posting of entry.postings) {
        line += 1;
        push(
          postings,
          bucket,
          accountId,
          entry.seq,
          line,
          codes.codeOf(posting.from),
          codes.codeOf(posting.to),
          posting.amount,
          posting.lot?.id ?? NO_LOT,
          posting.lot?.availableMicrocredits ?? null,
          posting.lot?.heldMicrocredits ?? null,
          posting.lot?.unreleasedMicrocredits ?? null,
        );
      }
    }
    for (const lot of change.lots) {
      push(
        lots,
        bucket,
        accountId,
        lot.id,
        instantText(lot.addedAt),
        instantText(lot.expiresAt),
        lot.policy,
        lot.faceMicrocredits,
        lot.availableMicrocredits,
        lot.heldMicrocredits,
        lot.unreleasedMicrocredits,
        lot.settledMicrocredits,
        lot.paidMicrousd,
        lot.deferredMicrousd,
        lot.open,
      );
    }
    push(books, bucket, accountId, book.seq, change.head, instantText(book.bookedAt), book.debtMicrocredits);
  }
  await run(WRITE, [...entries, ...postings, ...lots, ...books]);
}

function columns(count: number): unknown[][] {
  return Array.from({ length: count }, () => []);
}

function push(into: unknown[][], ...values: unknown[]): void {
  for (let index = 0; index < values.length; index += 1) into[index]?.push(values[index]);
}
