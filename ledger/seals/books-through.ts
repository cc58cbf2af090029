/** Where every book stood at an instant: its last entry that was booked by then. */
import type pg from 'pg';
import { Cursor } from '../audit/cursor.ts';
import { bookName } from '../core/account-id.ts';
import type { Instant } from '../core/instant.ts';
import { instantText } from '../store/instant-text.ts';
import type { SealedBook } from './sealed-book.ts';

const FETCH_SIZE = 2000;

export interface BookThrough {
  readonly bucket: number;
  readonly accountId: bigint;
  readonly book: SealedBook;
  /** The entry that the seals before told of it; null for none. */
  readonly sealedSeq: bigint | null;
}

interface Row {
  readonly account_id: bigint;
  readonly seq: bigint;
  readonly hash: Uint8Array;
  readonly available_after_microcredits: bigint;
  readonly held_after_microcredits: bigint;
  readonly debt_after_microcredits: bigint;
  readonly sealed_seq: bigint | null;
}

/**
 * The books of a bucket in the order of their accounts, those left out that had no entry by `through`. Read in the
 * transaction of `client`, a few at a time; a book's last entry by then is found from its end.
 */
export async function* booksThrough(
  client: pg.ClientBase,
  bucket: number,
  through: Instant,
): AsyncGenerator<BookThrough> {
  const cursor = await Cursor.open<Row>(client, {
    name: 'seal_books',
    text: `select b.account_id, e.seq, e.hash, e.available_after_microcredits,
        coalesce(e.held_after_microcredits, 0) as held_after_microcredits,
        coalesce(e.debt_after_microcredits, 0) as debt_after_microcredits, (
          select h.seq from sealed_heads h where h.bucket = $1 and h.account_id = b.account_id
          order by h.number desc limit 1) as sealed_seq
      from books b
      cross join lateral (
        select * from entries
        where bucket = $1 and account_id = b.account_id and booked_at <= $2
        order by seq desc limit 1
      ) e
      where b.bucket = $1
      order by b.account_id`,
    values: [bucket, instantText(through)],
    fetchSize: FETCH_SIZE,
  });
  for (let row = await cursor.peek(); row !== null; row = await cursor.peek()) {
    cursor.pass();
    yield {
      bucket,
      accountId: row.account_id,
      sealedSeq: row.sealed_seq,
      book: {
        name: bookName(bucket, row.account_id),
        seq: row.seq,
        head: row.hash,
        availableMicrocredits: row.available_after_microcredits,
        heldMicrocredits: row.held_after_microcredits,
        debtMicrocredits: row.debt_after_microcredits,
      },
    };
  }
  await cursor.close();
}
